"""The moment at which a run begins, in both worlds."""

START_S = 100_000.0
"""The loop's clock (and `time.monotonic`) when a run begins. As on a machine that has been up for a day: code that
starts with "last time: 0" must find that long ago, as it does in production."""
EPOCH_S = 1_767_225_600
"""The wall clock when a run begins: 2026-01-01T00:00:00Z."""
