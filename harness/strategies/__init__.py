"""Strategies: the reference implementations, ordinary web applications that the harness compares side by side."""
