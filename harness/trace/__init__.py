"""The trace of a run: its journal, and the view in which readers query it."""
