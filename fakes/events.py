"""Events: the interface by which a fake reports to an observer, and the format of a broken rule.

The kinds and their facts are the fakes' public record; every fact is JSON-serialisable.
"""

from typing import Any, Literal, Protocol, TypedDict

Purpose = Literal["music", "variant", "audio", "image", "cover", "other"]
"""What a task is for, the fact `what` of `task.created`:

- `music`: the song of a track; it is paid for once.
- `variant`: a song made from another one (extended, covered, with vocals or instruments added). It is the music of a
  track only if nothing else is.
- `audio`: a song that exists, in another audio format.
- `image`: a picture that may be a track's; it is paid for once.
- `cover`: a picture that the music provider makes for a song that exists. It may be a track's, and is no second
  `image`.
- `other`: whatever is neither a track's music nor its picture: lyrics, stems, videos, texts of a language model.
"""


class Observer(Protocol):
    """Called for everything that a fake does. Its result may be passed back as the fact `cause` of a later event."""

    def __call__(self, kind: str, /, **facts: Any) -> int: ...


def ignore(kind: str, /, **facts: Any) -> int:
    """Ignore the event: the observer of a fake that is not observed."""
    return 0


class ContractProblem(TypedDict):
    """One rule of a contract that a request breaks."""

    field: str
    """The place: a field's name (dotted inside objects), a header's name, "path", "method" or "body"."""
    found: Any
    rule: str
    source: str
    """The source of the rule, and whether it is documented, seen in clients or inferred."""
