"""Worlds: run the fakes and an implementation, and record everything that happens in one journal."""
