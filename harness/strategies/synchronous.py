"""Synchronous: the picture is in the response to its request (docs/explanations/three-fixes.md).

No callBackUrl is sent, so the music callback's handler waits until the picture is done, verifies it by decoding, and
retries once with other parameters if it failed or is too small. The provider waits 15 s for the handler's response and
then delivers again: a delivery that finds the track finished changes nothing, one that arrives while the first is
still waiting pays for a second picture.
"""

from typing import Any

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row, application
from harness.strategies.parsing import MusicEvent
from harness.strategies.pictures import HEIGHT_PX, WIDTH_PX, PictureError, fetch_2k_picture

GENERATING = "🎨 [CALLBACK] No valid image provided, generating new 2K image"
FAILED = "❌ [CALLBACK] Image generation failed (no incoming image):"
MODEL = f"🖼️ [SYNC IMAGE] Model: {provider_client.SEEDREAM}"
EXCHANGE = "🧠 [SYNC IMAGE]"
RETRYING = "🔄 [SYNC IMAGE] Retrying once with adjusted parameters"
VERIFIED = f"🖼️ [SYNC IMAGE] Image verified at {WIDTH_PX}x{HEIGHT_PX}"
DELIVERED = "🖼️ [SYNC IMAGE] Image generated at:"
SUCCESS = "✅ [SYNC IMAGE]"
ERROR = "❌ [SYNC IMAGE]"
SKIPPED = "[🖼️ Verification] Skipping image update: image URL is undefined, null, or empty"
PROMISED_LOGS: tuple[tuple[str, str], ...] = (
    ("callback-without-picture", GENERATING),
    ("image-requested", MODEL),
    ("image-requested", EXCHANGE),
    ("image-retried", RETRYING),
    ("image-verified", VERIFIED),
    ("image-delivered", DELIVERED),
    ("image-delivered", SUCCESS),
    ("image-failed", ERROR),
    ("image-failed", FAILED),
    ("picture-skipped", SKIPPED),
)
NOT_A_URL = ("", "undefined", "null")


async def on_music(context: AppContext, event: MusicEvent, track: Row) -> None:
    """Use the callback's picture if it is 2K; otherwise request one and wait for it."""
    try:
        await verify_and_save(context, track, event.cover_url)
        return
    except PictureError as error:
        context.log.info("%s (%s)", GENERATING, error)
    problem = await generate(context, track, provider_client.FIRST_PARAMETERS)
    if problem is not None:
        context.log.warning("%s after: %s", RETRYING, problem)
        problem = await generate(context, track, provider_client.ADJUSTED_PARAMETERS)
    if problem is not None and is_unfinished(context, track):
        context.tracks.change(track["id"], status="complete", image_url=None, failure_reason=problem)
        context.log.error("%s %s", FAILED, problem)


async def generate(context: AppContext, track: Row, parameters: dict[str, Any]) -> str | None:
    """Request one picture and save it; return the problem as a sentence if that fails."""
    prompt = provider_client.picture_prompt(track["title"], track["prompt"])
    context.log.info("%s", MODEL)
    context.log.info("%s Request: %s for %r", EXCHANGE, parameters, prompt)
    response = await provider_client.request_image(context, prompt, parameters)
    context.log.info("%s Answer: %s", EXCHANGE, response.problem or response.data)
    problem = response.problem
    if problem is None:
        try:
            await verify_and_save(context, track, response.image_url)
        except PictureError as error:
            problem = str(error)
    if problem is not None:
        context.log.error("%s %s", ERROR, problem)
    return problem


async def verify_and_save(context: AppContext, track: Row, url: Any) -> None:
    """Decode the picture at `url` and save it on the track. Raise PictureError if it is not a 2K picture."""
    if not isinstance(url, str) or url.strip() in NOT_A_URL:
        context.log.warning(SKIPPED)
        raise PictureError("image URL is undefined, null, or empty")
    picture = await fetch_2k_picture(context.client, url)
    context.log.info("%s (decoded %s)", VERIFIED, picture.resolution)
    if is_unfinished(context, track):
        context.deliver(track["id"], url, picture.resolution)
        context.log.info("%s %s", DELIVERED, url)
        context.log.info("%s Track %s has its picture", SUCCESS, track["id"])


def is_unfinished(context: AppContext, track: Row) -> bool:
    """Return whether no other delivery has finished the track while this one was waiting."""
    now = context.tracks.find("id", track["id"])
    return now is not None and now["status"] == "pending"


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    return application(AppContext("synchronous", one_at_a_time=False), on_music)
