"""Image files: what one really is, by its bytes and pixels, and small copies for reports."""
