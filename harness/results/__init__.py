"""Results of runs: single, compared, merged, against a baseline, and in files."""
