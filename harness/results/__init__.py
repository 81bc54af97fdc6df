"""Results of runs: one, many side by side, compared with a baseline, and in files."""
