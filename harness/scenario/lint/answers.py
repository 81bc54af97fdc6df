"""Answers of the providers' scripts with keys that another key, or the deadline, leaves without effect."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Generic, TypeVar

from harness.fakes.latency import NEVER_S
from harness.fakes.script import Extra, Image, Music
from harness.scenario.fields import in_file
from harness.scenario.lint.durations import never_ends, shortest_s
from harness.scenario.lint.finding import Finding
from harness.scenario.model import Scenario
from harness.scenario.values import spelled

Entry = TypeVar("Entry", Music, Image, Extra)


@dataclass(frozen=True, slots=True)
class Overridden(Generic[Entry]):
    """Fields of an entry that have no effect under a condition."""

    applies: Callable[[Entry], bool]
    names: tuple[str, ...]
    because: str


def _fails(when: str) -> Callable[[Music | Image | Extra], bool]:
    return lambda entry: entry.fails is not None and entry.fails.when == when


def _names_but(made: type[Music | Image | Extra], *kept: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(made) if field.name not in kept)


_MUSIC_CALLBACKS = ("sends", "apart_s", "text_carries", "error_carries", "empty_complete", "task_id_on_top")
_IMAGE_CALLBACKS = ("callback_late_s", "callback_times", "task_id_on_top")
_STAGES = ("text", "first", "complete")
OF_MUSIC: tuple[Overridden[Music], ...] = (
    Overridden(_fails("at-once"), _names_but(Music, "fails"), "the request is rejected"),
    Overridden(
        lambda music: never_ends(music.takes),
        _names_but(Music, "takes", "swapped_case"),
        "the music is never finished",
    ),
    Overridden(
        _fails("after-generating"),
        ("sends", "apart_s", "text_carries", "empty_complete", "unknown_status", "cover", "cover_url"),
        "the generation fails",
    ),
    Overridden(lambda music: music.callbacks == "never", _MUSIC_CALLBACKS, "no callback is sent"),
    Overridden(lambda music: "text" not in music.sends, ("text_carries",), "no text callback is sent"),
    Overridden(lambda music: "complete" not in music.sends, ("empty_complete",), "no complete callback is sent"),
    Overridden(lambda music: music.fails is None, ("error_carries",), "the music does not fail"),
    Overridden(
        lambda music: _is_in_order(music.sends), ("apart_s",), "no callback is sent out of order or more than once"
    ),
)
OF_IMAGES: tuple[Overridden[Image], ...] = (
    Overridden(_fails("at-once"), _names_but(Image, "fails"), "the request is rejected"),
    Overridden(
        lambda image: never_ends(image.takes), _names_but(Image, "takes", "waits_s"), "the picture is never finished"
    ),
    Overridden(lambda image: image.waits_s == NEVER_S, _names_but(Image, "waits_s"), "the generation never starts"),
    Overridden(_fails("after-generating"), ("picture", "picture_url", "answer"), "the generation fails"),
    Overridden(lambda image: image.callback == "never", _IMAGE_CALLBACKS, "no callback is sent"),
)
OF_EXTRAS: tuple[Overridden[Extra], ...] = (
    Overridden(_fails("at-once"), _names_but(Extra, "fails"), "the request is rejected"),
    Overridden(
        lambda extra: extra.takes is not None and never_ends(extra.takes),
        _names_but(Extra, "takes"),
        "the task is never finished",
    ),
    Overridden(_fails("after-generating"), ("picture",), "the task fails"),
    Overridden(lambda extra: extra.callback == "never", ("callback_late_s", "callback_times"), "no callback is sent"),
)


def answers_in_vain(scenario: Scenario) -> Iterator[Finding]:
    """Yield the keys of scripted answers that have no effect."""
    suno, images = scenario.script.suno, scenario.script.kie.images
    yield from _of_list(("kie", "images"), images, OF_IMAGES)
    for key, music in (("music", suno.music), ("variants", suno.variants)):
        yield from _of_list(("suno", key), music, OF_MUSIC)
        for number, each in enumerate(music):
            if scenario.deadline_s < shortest_s(each.takes) < NEVER_S:
                yield Finding(("suno", key, number, "takes"), _too_late("the music is finished", scenario.deadline_s))
    for field in fields(suno.extras):
        entry = getattr(suno.extras, field.name)
        if isinstance(entry, Extra):
            yield from _of_entry(("suno", "extras", in_file(field.name)), entry, OF_EXTRAS)
    for number, image in enumerate(images):
        yield from _after_the_deadline(("kie", "images", number), image, scenario.deadline_s)


def _of_list(
    where: tuple[str, ...], entries: Sequence[Entry], overridden: Sequence[Overridden[Entry]]
) -> Iterator[Finding]:
    for number, entry in enumerate(entries):
        yield from _of_entry((*where, number), entry, overridden)
    for number in range(len(entries) - 1, 0, -1):
        if entries[number] != entries[number - 1]:
            return
        yield Finding((*where, number), "has no effect: the entry before it applies to all later tasks as well")


def _of_entry(where: tuple[str | int, ...], entry: Entry, overridden: Sequence[Overridden[Entry]]) -> Iterator[Finding]:
    """Yield each key without effect once, for the first condition that takes it."""
    given = [name for name in _names_but(type(entry)) if getattr(entry, name) != getattr(type(entry)(), name)]
    for each in overridden:
        if not each.applies(entry):
            continue
        for name in [name for name in given if name in each.names]:
            given.remove(name)
            yield Finding((*where, in_file(name)), f"has no effect, since {each.because}")


def _is_in_order(sends: Sequence[str]) -> bool:
    if not set(_STAGES).issuperset(sends):  # an error, or what is of no stage
        return False
    ranks = [_STAGES.index(each) for each in sends]
    return all(one < other for one, other in pairwise(ranks))


def _after_the_deadline(where: tuple[str | int, ...], image: Image, deadline_s: float) -> Iterator[Finding]:
    """Yield what comes only after the run's end: the picture, or else its callback."""
    done_s = image.waits_s + shortest_s(image.takes)
    if deadline_s < done_s < NEVER_S:
        key = "takes" if shortest_s(image.takes) >= image.waits_s else "waits"
        yield Finding((*where, key), _too_late("the picture is finished", deadline_s))
    elif image.callback == "sent" and done_s <= deadline_s < done_s + image.callback_late_s:
        yield Finding((*where, "callback-late"), _too_late("the callback is sent", deadline_s))


def _too_late(what: str, deadline_s: float) -> str:
    return f"{what} only after the run's end, the deadline of {spelled(deadline_s)}; write never, or a later deadline"
