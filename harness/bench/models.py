"""Provider latency and failure models: how long the providers take and how often they fail; each figure with its
source.

A source is marked as captured, documented, seen in clients, or assumed. What was captured is a few dozen exchanges, so
the tails are assumptions and are marked as such. Measurements of your own can replace them (`--samples`).
"""

from dataclasses import dataclass, replace

from harness.bench.sampling import Latency
from harness.errors import UnknownNameError
from harness.fakes.latency import Bimodal, Lognormal

KINDS = ("music", "image", "answer", "download", "callback")
"""The kinds of latency, which are also the kinds of samples in a file."""


@dataclass(frozen=True, slots=True)
class Model:
    """A provider latency and failure model. Each share is a fraction, 0 to 1, of the occasions in its name."""

    name: str
    sentence: str
    music: Latency
    """From the accepted request to the finished audio; the stages are complete after a tenth, and a half, of it."""
    image: Latency
    """From the accepted request to the finished picture."""
    answer: Latency
    """Until a provider's API responds to a request, besides the time that a picture in the response takes."""
    download: Latency
    """Until a file host responds to a GET."""
    callback: Latency
    """From the end of a stage or picture until its callback is sent."""
    music_fails: float
    """Code 501 after the full generation time; refunded."""
    image_fails: float
    """The same for a picture."""
    image_refused: float
    """Code 500 at once, under HTTP 200; nothing is charged."""
    image_small: float
    """A 1024x576 picture instead of the requested 2048x1152."""
    image_enlarged: float
    """A 2048x1152 picture enlarged from 1024x576."""
    download_fails: float
    """HTTP 503 from the file host."""
    callback_lost: float
    """Of attempts: it never arrives. The provider gets no response for 15 s and delivers again."""
    callback_never: float
    """Of callbacks: the provider never sends it."""
    callback_twice: float
    """Of callbacks: it is sent again a second later."""
    sources: tuple[tuple[str, str], ...] = ()
    """(figures, their source)"""


_MUSIC = (
    "music",
    "57 to 180 s from creation to the final audio (documented, and seen in clients); the distribution is inferred",
)
_STAGES = (
    "stages",
    "text after a tenth, first after half of the time (inferred from the documented 22 to 40 s until streaming)",
)
_ANSWERS = Lognormal(0.4, 0.8)
_ANSWER = ("answer", "0.2 to 0.9 s until the first byte of 649 responses (captured in April 2026)")
_DOWNLOAD = ("download", "assumed: a file host behind a content delivery network")
_SHARES = ("shares", "assumed; no measurements are published")

TYPICAL = Model(
    "typical",
    "No queue: pictures take about 8 s, and one in twenty takes more than 20 s.",
    music=Lognormal(95.0, 170.0),
    image=Lognormal(8.0, 20.0),
    answer=_ANSWERS,
    download=Lognormal(0.3, 1.5),
    callback=Lognormal(0.2, 1.0),
    music_fails=0.005,
    image_fails=0.01,
    image_refused=0.005,
    image_small=0.005,
    image_enlarged=0.002,
    download_fails=0.002,
    callback_lost=0.002,
    callback_never=0.001,
    callback_twice=0.01,
    sources=(
        _MUSIC,
        _STAGES,
        _ANSWER,
        (
            "image",
            "1.8 s for a 2K picture without a queue (the vendor's claim); 8 s and the tail with a queue are assumed",
        ),
        ("callback", "assumed; duplicate and missing callbacks have been seen in clients"),
        _DOWNLOAD,
        _SHARES,
    ),
)
MEASURED = replace(
    TYPICAL,
    name="measured",
    sentence="As captured: pictures take 37 to 112 s, most of which they wait.",
    image=Lognormal(45.0, 112.0),
    callback=Lognormal(0.8, 1.6),
    sources=(
        _MUSIC,
        _STAGES,
        _ANSWER,
        (
            "image",
            "37, 45 and 112 s for pictures of Seedream 5 lite, 48 to 55 s for those of another model (captured in "
            "April and September 2026); that 112 s is the 95th percentile is assumed",
        ),
        ("callback", "0.8 s after the picture was finished (captured in September 2026); the tail is assumed"),
        _DOWNLOAD,
        _SHARES,
    ),
)
BUSY = Model(
    "busy",
    "Queues: half of the pictures take up to 20 s, and one in ten takes minutes.",
    music=Lognormal(130.0, 240.0),
    image=Bimodal(Lognormal(18.0, 60.0), Lognormal(90.0, 240.0), 0.1),
    answer=_ANSWERS,
    download=Lognormal(0.5, 4.0),
    callback=Lognormal(0.5, 5.0),
    music_fails=0.01,
    image_fails=0.02,
    image_refused=0.02,
    image_small=0.005,
    image_enlarged=0.002,
    download_fails=0.01,
    callback_lost=0.01,
    callback_never=0.002,
    callback_twice=0.02,
    sources=(
        ("music", "the documented 57 to 180 s after a queue; assumed"),
        _STAGES,
        _ANSWER,
        ("image", "a task may stay in the state waiting for more than a minute (seen in clients); the rest is assumed"),
        ("callback", "assumed"),
        ("download", "assumed"),
        _SHARES,
    ),
)
BAD_DAY = Model(
    "bad-day",
    "Many failures: a sixth of the pictures take many minutes, and callbacks are lost.",
    music=Lognormal(160.0, 420.0),
    image=Bimodal(Lognormal(25.0, 90.0), Lognormal(240.0, 700.0), 0.15),
    answer=_ANSWERS,
    download=Lognormal(1.0, 12.0),
    callback=Lognormal(1.0, 20.0),
    music_fails=0.03,
    image_fails=0.08,
    image_refused=0.05,
    image_small=0.02,
    image_enlarged=0.01,
    download_fails=0.05,
    callback_lost=0.05,
    callback_never=0.02,
    callback_twice=0.05,
    sources=(
        (
            "music, image",
            "the provider's own timeout is 10 minutes (code 408, documented); assumed below that",
        ),
        _STAGES,
        _ANSWER,
        (
            "callback",
            "missing, late and duplicate callbacks have been seen in clients; their frequency is assumed",
        ),
        ("download", "404 and empty files have been seen in clients; their frequency is assumed"),
        _SHARES,
    ),
)
MODELS = {model.name: model for model in (MEASURED, TYPICAL, BUSY, BAD_DAY)}


def model_called(name: str) -> Model:
    """Return the shipped model of that name; raises UnknownNameError."""
    model = MODELS.get(name)
    if model is None:
        raise UnknownNameError("model", name, MODELS)
    return model
