"""The fake Kie.ai image API: Seedream pictures through a job, a callback, or the response itself."""

from starlette.types import ASGIApp

from harness.fakes.kie.app import create_app

__all__ = ["create_app", "standalone"]


def standalone() -> ASGIApp:
    """Return the fake with the default script and a media host under /media, for `uvicorn --factory`."""
    from harness.fakes.asgi import with_media
    from harness.fakes.tasks import TASKS_KEPT

    return with_media(
        lambda script, media, seed: create_app(
            script.kie, publish=media.publish, lend=media.lend, seed=seed, tasks_kept=TASKS_KEPT, files=media
        )
    )
