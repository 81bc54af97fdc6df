"""What a user configures about an application: harness.toml, how it is read, detected and first written."""
