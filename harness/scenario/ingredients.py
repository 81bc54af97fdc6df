"""The ingredients of a scenario: each thing in which it differs from one where everything behaves normally.

A scenario without an ingredient is an ordinary scenario, so what it takes for a violation can be found by playing it.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from harness.fakes.latency import Bimodal, Duration, Fixed, Lognormal, Never, Uniform
from harness.fakes.script import Failure, Picture
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from harness.scenario.values import spelled

NORMAL = Scenario("", "")
NO_INGREDIENTS = ("name", "why", "deadline_s", "signing", "impossible", "path", "text")
"""Fields that bring no trouble: without `signing`, what is forged cannot be known."""
UNSPOKEN = ("headers", "body", "html")
"""Fields that say little and take much room."""
ABSENT = object()
"""In place of a usual value: the whole thing is there only because the scenario says so."""
_WHOLE = (Fixed, Never, Uniform, Lognormal, Bimodal, Picture, Failure)
"""Values that are one thing, not the sum of their parts."""

Step = str | int
"""A field, or an index in a tuple."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One thing in which a scenario differs from a normal one."""

    path: tuple[Step, ...]
    given: Any
    usual: Any
    """What it is where everything is normal, or ABSENT."""

    @property
    def name(self) -> str:
        """Return where it is in a scenario file: `kie.images[0].takes`."""
        words = [f"[{step}]" if isinstance(step, int) else "." + _word(step) for step in self.path if step != "script"]
        return "".join(words).lstrip(".")

    @property
    def sentence(self) -> str:
        """Return it as in a scenario file, in one line: `kie.images[0].takes: 16s`."""
        return f"{self.name}: {_spelled(self.given)}"

    @property
    def usually(self) -> str | None:
        """Return the usual value; None if usually there is none."""
        return None if self.usual is ABSENT or self.usual is None else _spelled(self.usual)

    @property
    def span_s(self) -> tuple[float, float] | None:
        """Return the usual and the given duration in seconds, infinity for never; None if it is no single duration."""
        usual_s, given_s = self._duration_s(self.usual), self._duration_s(self.given)
        return None if usual_s is None or given_s is None else (usual_s, given_s)

    def _duration_s(self, value: Any) -> float | None:
        match value:
            case Fixed(seconds):
                return seconds
            case Never():
                return math.inf
            case float() if str(self.path[-1]).endswith("_s"):
                return value
        return None

    def lasting(self, scenario: Scenario, seconds: float) -> Scenario:
        """Return the scenario with another duration in its place."""
        value: float | Duration = Fixed(seconds) if isinstance(self.usual, Fixed | Never) else seconds
        found: Scenario = _with(scenario, self.path, value)
        return found


def ingredients(scenario: Scenario) -> list[Ingredient]:
    """Return what of a scenario is not normal, in the order of its fields."""
    return [
        each
        for field in fields(Scenario)
        if field.name not in NO_INGREDIENTS
        for each in _differences(getattr(scenario, field.name), getattr(NORMAL, field.name), (field.name,))
    ]


def without(scenario: Scenario, removed: Iterable[Ingredient]) -> Scenario:
    """Return the scenario in which some of its ingredients are normal."""
    for each in sorted(removed, key=lambda each: [str(step).zfill(6) for step in each.path], reverse=True):
        scenario = _with(scenario, each.path, each.usual)
    return scenario


def _differences(given: Any, usual: Any, path: tuple[Step, ...]) -> Iterator[Ingredient]:
    if given == usual:
        return
    if is_dataclass(given) and type(given) is type(usual) and not isinstance(given, _WHOLE):
        for field in fields(given):
            yield from _differences(getattr(given, field.name), getattr(usual, field.name), (*path, field.name))
    elif isinstance(given, tuple) and usual == ():
        yield from (Ingredient((*path, index), each, ABSENT) for index, each in enumerate(given))
    elif isinstance(given, tuple) and given and all(map(is_dataclass, (*given, *usual))):
        for index, each in enumerate(given):
            yield from _differences(each, usual[min(index, len(usual) - 1)], (*path, index))
    else:
        yield Ingredient(path, given, usual)


def _with(whole: Any, path: tuple[Step, ...], value: Any) -> Any:
    """Return a copy with another value at the path, or without what is there."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        return replace(whole, **{step: _with(getattr(whole, step), rest, value)})
    inner = () if not rest and value is ABSENT else (_with(whole[step], rest, value),)
    return (*whole[:step], *inner, *whole[step + 1 :])


def _word(name: str) -> str:
    """Return a field's name as scenario files have it."""
    return name.removesuffix("_s").replace("_", "-")


def _spelled(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case Fixed(seconds):
            return spelled(seconds)
        case Never():
            return "never"
        case float():
            return spelled(value)
        case Picture():
            return ", ".join([f"{value.width}x{value.height}", *_given_in(value, ("width", "height"))])
        case Failure():
            return f"HTTP {value.code}" if value.as_http else f"code {value.code}"
        case FaultRule():
            return f"{value.fault.name} ({', '.join([f'to {value.link}', *_given_in(value, ('link', 'fault'))])})"
        case tuple():
            return f"[{', '.join(map(_spelled, value))}]"
    if is_dataclass(value):
        return ", ".join(_given_in(value, ())) or type(value).__name__.lower()
    return str(value)


def _given_in(value: Any, but: tuple[str, ...]) -> list[str]:
    """Return the fields of a value that are not as they usually are."""
    given = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in (*but, *UNSPOKEN)}
    usual = {field.name: field.default for field in fields(value)}
    return [f"{_word(name)} {_spelled(each)}" for name, each in given.items() if each != usual[name]]
