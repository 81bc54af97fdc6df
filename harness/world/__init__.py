"""Worlds: what runs the fakes and an implementation and records everything that happens in one journal."""
