"""Names of environment variables that a run sets or removes."""

PROXIES = tuple(
    name for stem in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (stem, stem.upper())
)
"""The developer's own proxy is no part of a simulated network."""
