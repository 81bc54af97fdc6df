"""Where a live application keeps its tracks, and how the harness sees what is written there."""
