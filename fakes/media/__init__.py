"""The fake media host: where the pictures and the audio of all fakes are fetched from."""

from starlette.applications import Starlette

from harness.fakes.media.app import MediaHost, create_app

__all__ = ["MediaHost", "create_app", "standalone"]


def standalone() -> Starlette:
    """Return a media host whose front page names a picture and an audio file of it, for `uvicorn --factory`."""
    from harness.fakes.asgi import with_samples

    return with_samples()
