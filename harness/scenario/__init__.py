"""Scenarios: the behaviour of the providers in a run, as a file and as a frozen value."""
