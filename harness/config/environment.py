"""Names of environment variables that a run sets or removes."""

PROXIES = tuple(
    name for stem in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (stem, stem.upper())
)
"""Removed, because the developer's own proxy is not part of a simulated network."""
