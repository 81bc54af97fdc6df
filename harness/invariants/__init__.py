"""Invariants: sentences that must hold, each a pure function of a run's trace."""
