"""Models: how long things take at the providers, and how often they go wrong there; each figure with its source.

Sources are marked as in providers.md: documented, seen in clients, or inferred. Nobody has published measurements of
these providers, so most tails are assumptions, and are called that. With times of your own (`--samples`) they need
not be believed.
"""

from dataclasses import dataclass

from harness.bench.sampling import Latency
from harness.errors import UnknownNameError
from harness.fakes.latency import Bimodal, Lognormal

KINDS = ("music", "image", "download", "callback")
"""What takes time, and what a file of samples may tell the times of."""


@dataclass(frozen=True, slots=True)
class Model:
    """Providers in a certain mood. Shares are of the occasion that they are named after, 0 to 1."""

    name: str
    sentence: str
    music: Latency
    """From the accepted request to the finished audio; stages come after a tenth, and a half, of it."""
    image: Latency
    """From the accepted request to the finished picture."""
    download: Latency
    """Until a file's host answers a GET."""
    callback: Latency
    """From the end of a stage or picture until the callback about it is sent."""
    music_fails: float
    """Code 501 after it has run for its time; refunded."""
    image_fails: float
    """The same for a picture."""
    image_refused: float
    """Code 500 at once, under HTTP 200; nothing is charged."""
    image_small: float
    """1024x576 comes where 2048x1152 was asked for."""
    image_enlarged: float
    """2048x1152 that was made at 1024x576."""
    download_fails: float
    """HTTP 503 from the file's host."""
    callback_lost: float
    """Of attempts: it never arrives. The provider hears nothing for 15 s and delivers again."""
    callback_never: float
    """Of callbacks: the provider forgets it."""
    callback_twice: float
    """Of callbacks: it is sent again a second later."""
    sources: tuple[tuple[str, str], ...] = ()
    """(which figures, where they are from)"""


_MUSIC = (
    "music",
    "57 to 180 s from creation to the final audio (documented, and seen in clients); the shape between is inferred",
)
_STAGES = (
    "stages",
    "text after a tenth, first after half of the time (inferred from 22 to 40 s until the stream works, documented)",
)
_SHARES = ("shares", "nobody has published any; assumed")

TYPICAL = Model(
    "typical",
    "An ordinary afternoon: pictures in some 8 s, one in twenty takes more than 20 s.",
    music=Lognormal(95.0, 170.0),
    image=Lognormal(8.0, 20.0),
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
        ("image", "1.8 s for a 2K picture without queue (the maker's claim); 8 s and its tail with one are assumed"),
        ("callback", "assumed; that callbacks come twice or never has been seen in clients"),
        ("download", "assumed: a file host behind a content network"),
        _SHARES,
    ),
)
BUSY = Model(
    "busy",
    "Queues: half of the pictures within 20 s, and one in ten waits for minutes.",
    music=Lognormal(130.0, 240.0),
    image=Bimodal(Lognormal(18.0, 60.0), Lognormal(90.0, 240.0), 0.1),
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
        ("music", "the documented 57 to 180 s, and a queue before them; assumed"),
        _STAGES,
        ("image", "a task may stay in the state waiting for more than a minute (seen in clients); the rest is assumed"),
        ("callback", "assumed"),
        ("download", "assumed"),
        _SHARES,
    ),
)
BAD_DAY = Model(
    "bad-day",
    "Much fails, a sixth of the pictures takes many minutes, and callbacks get lost.",
    music=Lognormal(160.0, 420.0),
    image=Bimodal(Lognormal(25.0, 90.0), Lognormal(240.0, 700.0), 0.15),
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
            "the provider's own limit is 10 minutes without a word (code 408, documented); assumed below that",
        ),
        _STAGES,
        (
            "callback",
            "that callbacks stay away, come late and come twice has been seen in clients; how often is assumed",
        ),
        ("download", "404 and empty files have been seen in clients; how often is assumed"),
        _SHARES,
    ),
)
MODELS = {model.name: model for model in (TYPICAL, BUSY, BAD_DAY)}


def model_called(name: str) -> Model:
    """The shipped model of that name; raises UnknownNameError."""
    model = MODELS.get(name)
    if model is None:
        raise UnknownNameError("model", name, MODELS)
    return model
