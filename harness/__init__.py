"""The harness: runs a callback implementation through scenarios and judges what it did."""
