"""The fake Suno music API, as Kie.ai and sunoapi.org offer it."""

from starlette.types import ASGIApp

from harness.fakes.suno.app import create_app

__all__ = ["create_app", "standalone"]


def standalone() -> ASGIApp:
    """Return the fake with the default script and a media host under /media, for `uvicorn --factory`."""
    from harness.fakes.asgi import with_media
    from harness.fakes.tasks import TASKS_KEPT

    return with_media(
        lambda script, media, seed: create_app(script.suno, publish=media.publish, seed=seed, tasks_kept=TASKS_KEPT)
    )
