"""The result of examining an audio file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AudioFile:
    """What a file is: whole audio, or the reason why it does not play."""

    format: str | None = None
    """mp3, aac, wav, mp4, ogg, flac, webm; None if it is no audio."""
    seconds: float | None = None
    """How long it plays; None where it does not, and where that is not read."""
    problem: str | None = None
    """Why it does not play, as one sentence; None if it does."""

    @property
    def plays(self) -> bool:
        return self.problem is None


class BrokenAudioError(Exception):
    """The file is not whole audio; the message is a sentence for the user."""


def cut_off(title: str, found_s: float, stated_s: float) -> BrokenAudioError:
    """Return the error of a file that ends before the duration that its header states, both in seconds."""
    return BrokenAudioError(f"the {title} ends after {found_s:.1f} s of the {stated_s:.1f} s that its header states")
