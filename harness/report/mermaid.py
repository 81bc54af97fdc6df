"""A run's sequence diagram in Mermaid syntax, which GitHub and GitLab render."""

import re
from collections.abc import Collection

from harness.report.describe import clock
from harness.report.diagram import LANES, Lane, Step, steps
from harness.trace.journal import Journal

STEPS_MAX = 40
_ARROWS = {"request": "->>", "callback": "->>", "answer": "-->>", "write": "->>", "look": "->>"}
_SPECIAL = re.compile(r"[#;<>&\"'`{}\[\]()|\\%]")


def mermaid(journal: Journal, evidence: Collection[int] = ()) -> str:
    """Return the diagram of one run; the steps of `evidence` (entry numbers) are marked and never omitted.

    Of a long run only the steps nearest to the evidence are drawn, and a note says how many are omitted.
    """
    reported = steps(journal)
    chosen = _nearest(reported, set(evidence))
    lanes: list[Lane] = []
    for step in chosen:
        lanes += [lane for lane in (step.source, step.target) if lane is not None and lane not in lanes]
    lines = ["sequenceDiagram"]
    lines += [f"  participant {lane} as {LANES[lane]}" for lane in LANES if lane in lanes]
    last: float | None = None
    for step in chosen:
        if step.at_s != last:
            lines.append(f"  Note over {_span(lanes)}: {_words(clock(step.at_s))}")
            last = step.at_s
        mark = "✗ " if set(step.entries) & set(evidence) else ""
        text = _words(mark + step.text)
        if step.target is not None and step.kind in _ARROWS:
            lines.append(f"  {step.source}{_ARROWS[step.kind]}{step.target}: {text}")
        else:
            lines.append(f"  Note over {step.source}: {text}")
    if len(chosen) < len(reported):
        lines.append(f"  Note over {_span(lanes)}: {len(reported) - len(chosen)} steps are not shown")
    return "\n".join(lines) + "\n"


def _nearest(reported: list[Step], evidence: set[int]) -> list[Step]:
    if len(reported) <= STEPS_MAX:
        return reported
    hits = [place for place, step in enumerate(reported) if set(step.entries) & evidence] or [0]
    by_distance = sorted(range(len(reported)), key=lambda place: (min(abs(place - hit) for hit in hits), place))
    return [reported[place] for place in sorted(by_distance[: max(STEPS_MAX, len(hits))])]


def _span(lanes: list[Lane]) -> str:
    """Return the leftmost and the rightmost participant."""
    present = [lane for lane in LANES if lane in lanes]
    return present[0] if len(present) == 1 else f"{present[0]},{present[-1]}"


def _words(text: str) -> str:
    """Return text with special characters as Mermaid's character codes."""
    flat = " ".join(text.split())
    return _SPECIAL.sub(lambda found: f"#{ord(found.group())};", flat) or "-"
