"""The configuration of an application: reading a harness.toml, and writing a first one from detected settings."""
