"""Conformity: where the fakes would have answered a recording of the real providers in another shape."""
