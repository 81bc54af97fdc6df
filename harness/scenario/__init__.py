"""Scenarios: what the providers do in a run, as a file and as one frozen value."""
