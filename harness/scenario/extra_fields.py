"""The block `suno.extras` of a scenario file: what is ordered beside songs."""

from typing import Literal

from harness.fakes.script import Extra, Extras
from harness.scenario.fields import (
    ENTRIES_MAX,
    TAKES_EXAMPLES,
    FailureText,
    Keys,
    Made,
    Seconds,
    Takes,
    key,
)
from harness.scenario.image_fields import PictureText


class ExtraKeys(Keys):
    """All tasks of one kind."""

    makes = Extra
    takes: Takes = key("Duration from the request to the result; default what is usual.", *TAKES_EXAMPLES)
    fails: FailureText = key("The request is rejected, or the task fails.", 501, {"code": 429})
    callback: Literal["sent", "never"] = key("never: no callback is sent; only the record has the result.", "never")
    callback_late_s: Seconds = key("Delay of the callback after the result is there.", "30m")
    callback_times: int = key("Number of times that the callback is sent.", 2, ge=1, le=ENTRIES_MAX)


class OwnCoverKeys(ExtraKeys):
    """All of Suno's own covers."""

    picture: PictureText = key("The two pictures; default valid 1024x1024 PNGs.", "360x360", {"flaw": "svg"})


class ExtrasKeys(Keys):
    """What is ordered beside songs."""

    makes = Extras
    cover: Made[OwnCoverKeys] = key("Suno's own cover of a song.", {"picture": "360x360"})
    lyrics: Made[ExtraKeys] = key("Lyrics.", {"fails": 501})
    wav: Made[ExtraKeys] = key("A song as a WAV.", {"takes": "5m"})
    vocal_removal: Made[ExtraKeys] = key("The parts of a song.", {"callback": "never"})
    mp4: Made[ExtraKeys] = key("A video of a song.", {"takes": "5m"})
    midi: Made[ExtraKeys] = key("The notes of a song.", {"callback-times": 2})
    style_takes: Takes = key("Duration until a style is described; default 2.6s.", "30s")
