"""Image files: examination of their bytes and pixels, and thumbnails for reports."""
