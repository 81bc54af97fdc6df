"""Stores: reading a live application's tracks, and observing the writes to them."""
