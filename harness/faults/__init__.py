"""Faults: what happens to a message between an application and its providers."""
