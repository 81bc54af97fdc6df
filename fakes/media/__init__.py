"""The fake media host: serves the pictures and the audio of all fakes."""

from starlette.applications import Starlette

from harness.fakes.media.app import MediaHost, create_app

__all__ = ["MediaHost", "create_app", "standalone"]


def standalone() -> Starlette:
    """Return a media host whose front page links a picture and an audio file, for `uvicorn --factory`."""
    from harness.fakes.asgi import with_samples

    return with_samples()
