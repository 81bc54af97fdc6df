"""A conformity as text for the terminal, and as JSON."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from harness.conform.conformity import Conformity, Finding

FORMAT = "harness-conform/1"
NUMBERS_MAX = 6
"""Numbers of exchanges that are listed for a difference."""


def report(conformity: Conformity) -> RenderableType:
    """Return the differences, endpoint by endpoint."""
    parts: list[RenderableType] = []
    for of, compared in conformity.compared.items():
        findings = {each: numbers for each, numbers in conformity.found.items() if each.of == of}
        sign = ("✗", "red") if findings else ("✓", "green")
        same = compared - conformity.differing.get(of, 0)
        parts.append(Text.assemble(sign, " ", (of, "bold"), f"  {same} of {compared} as the fakes send them"))
        for when in dict.fromkeys(each.when for each in findings):
            parts += [Text(f"  if {place} is {word}") for place, word in when]
            parts.append(_differences({each: numbers for each, numbers in findings.items() if each.when == when}))
    for of, numbers in conformity.not_reproduced.items():
        parts.append(Text.assemble(("?", "yellow"), " ", (of, "bold"), f"  not reproduced, {_where(numbers)}"))
    return Group(*parts)


def _differences(findings: dict[Finding, list[int]]) -> RenderableType:
    rows = Table(Column(overflow="fold"), "", "", box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding, numbers in findings.items():
        each = finding.difference
        shown = f"fakes: {each.fakes}; recording: {each.provider}"
        rows.add_row(Text(each.place, style="bold"), Text(shown), Text(_where(numbers), style="dim"))
    return Padding(rows, (0, 0, 1, 4))


def _where(numbers: list[int]) -> str:
    """Return the count and the numbers of exchanges."""
    listed = ", ".join(map(str, numbers[:NUMBERS_MAX]))
    more = ", …" if len(numbers) > NUMBERS_MAX else ""
    return f"{len(numbers)}x in exchange{'s' if len(numbers) > 1 else ''} {listed}{more}"


def conclusion(conformity: Conformity) -> str:
    """Return the last line: what was compared, and with which result."""
    compared, differing = sum(conformity.compared.values()), sum(conformity.differing.values())
    missing = sum(map(len, conformity.not_reproduced.values()))
    rest = [
        f"{missing} not reproduced" if missing else "",
        f"{conformity.elsewhere} elsewhere" if conformity.elsewhere else "",
    ]
    parts = [f"{compared} of {conformity.exchanges} exchanges compared", *filter(None, rest)]
    found, verb = len(conformity.found), "differs" if differing == 1 else "differ"
    kinds = f"{differing} {verb}, in {found} way{'s' if found != 1 else ''}" if found else "none differs"
    return f"{', '.join(parts)}; {kinds}"


def conformity_json(conformity: Conformity) -> dict[str, Any]:
    """Return the JSON of `harness conform --json`."""
    return {
        "format": FORMAT,
        "exchanges": conformity.exchanges,
        "elsewhere": conformity.elsewhere,
        "compared": [
            {"of": of, "messages": count, "differing": conformity.differing.get(of, 0)}
            for of, count in conformity.compared.items()
        ],
        "differences": list(_findings(conformity)),
        "not_reproduced": [{"of": of, "exchanges": numbers} for of, numbers in conformity.not_reproduced.items()],
    }


def _findings(conformity: Conformity) -> Iterator[dict[str, Any]]:
    for finding, numbers in conformity.found.items():
        each = finding.difference
        yield {
            "of": finding.of,
            "when": dict(finding.when),
            "kind": each.kind,
            "place": each.place,
            "fakes": each.fakes,
            "recording": each.provider,
            "exchanges": numbers,
        }
