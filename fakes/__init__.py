"""Fake Suno, Kie.ai and media servers; each is an ASGI app that also runs on its own."""
