"""The trace of a run: the journal that a world writes and the view that readers have of it."""
