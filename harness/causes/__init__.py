"""Causes: what went differently before an invariant was violated, in terms of the application's own requests.

An invariant says what must hold, `causes` why it did not: of all that deviated from a normal run, the earliest
that the violation follows from. Violations with the same cause share one, so that a report can begin with it.
"""
