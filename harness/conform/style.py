"""A style: the differences of a recording as a scenario, whose providers answer as the recording does."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from harness.conform.conformity import Conformity, Finding
from harness.fakes.registry import KIE, SUNO, link_of_path
from harness.fakes.script import CALLBACKS

WHY = (
    "The providers answer in the shapes of a recording that `harness conform` has compared with the fakes. Code that "
    "relies on another shape fails in production with answers like these."
)
EXPRESSIBLE = ("missing", "extra", "type", "value")
"""The kinds of difference that a change can make; others are comments."""


def style_of(conformity: Conformity) -> str:
    """Return a scenario file, in YAML, in which the fakes answer as the recording does."""
    changes: defaultdict[str, dict[tuple[Any, ...], dict[str, Any]]] = defaultdict(dict)
    left: list[str] = []
    for finding in sorted(conformity.found, key=lambda each: each.difference.place.count(".")):
        place = finding.difference.place
        if finding.difference.kind not in EXPRESSIBLE or "(" in place:
            left.append(f"{finding.of}: {place}: {finding.difference.provider}")
            continue
        _add(changes[_provider_of(finding)], finding)
    lines = [f"why: {_quoted(WHY)}"]
    for provider, each in changes.items():
        lines += [f"{provider}:", "  changes:", *_entries(each.values())]
    lines += [f"# not expressible: {text}" for text in left]
    return "\n".join(lines) + "\n"


def _provider_of(finding: Finding) -> str:
    """Return whose messages a finding is about: callbacks with a `callbackType` are the music's."""
    if finding.of != CALLBACKS:
        return link_of_path(finding.of.partition(" ")[2])
    return SUNO.name if any(place.endswith("callbackType") for place, _ in finding.when) else KIE.name


def _add(changes: dict[tuple[Any, ...], dict[str, Any]], finding: Finding) -> None:
    """Add a difference to the change of its messages; what lies inside a value that is set is in that value."""
    key = (finding.of, finding.when)
    new: dict[str, Any] = {"of": finding.of.partition(" ")[2] or finding.of, "when": dict(finding.when)}
    change = changes.setdefault(key, {**new, "set": {}, "remove": []})
    difference = finding.difference
    if difference.kind == "missing":
        change["remove"].append(difference.place)
    else:
        change["set"][difference.place] = difference.value


def _entries(changes: Iterable[dict[str, Any]]) -> Iterable[str]:
    for change in changes:
        yield f"    - of: {change['of']}"
        for key in ("when", "set"):
            if change[key]:
                yield f"      {key}:"
                yield from (f"        {_quoted(place)}: {_quoted(value)}" for place, value in change[key].items())
        if change["remove"]:
            yield f"      remove: {json.dumps(change['remove'])}"


def _quoted(value: Any) -> str:
    """Return a value as JSON, which is YAML, too."""
    return json.dumps(value, ensure_ascii=False)
