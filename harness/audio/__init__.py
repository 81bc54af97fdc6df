"""Audio files: what a file really is, by its bytes."""
