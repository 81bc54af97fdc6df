"""Stores: where an implementation keeps its tracks, and how the harness sees each write to them."""
