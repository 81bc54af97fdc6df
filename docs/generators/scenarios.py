"""The pages of scenarios and faults."""

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from docs.generators.markdown import one_line, references, schema_tables, table
from harness.faults.kinds import KINDS, ConnectFault, EndFault, HoldFault, RequestFault, ResponseFault, SendFault
from harness.faults.registry import CALLBACK_FAULTS, FAULTS
from harness.scenario import catalogue
from harness.scenario.loader import json_schema

FAULT_STAGES = {
    ConnectFault: ("Before the connection is established", "one after the other, until one fails"),
    RequestFault: ("While the request is in transit", "one after the other, until one ends the request"),
    ResponseFault: ("On the content of the response", "each changes what the one before left"),
    HoldFault: ("Before the response", "delays add up"),
    EndFault: ("Instead of a response", "the first one in the file, of this stage and the next"),
    SendFault: ("While the response is sent", "the first one in the file, of this stage and the one before"),
}


def scenario_file() -> Iterator[str]:
    schema = json_schema()
    yield (
        "# Scenario file\n\nOnly `why` is required; everything you omit behaves normally. `harness schema` prints this "
        "page as JSON Schema, for editors:\n\n"
        "```yaml\n# yaml-language-server: $schema=scenario.schema.json\nwhy: The picture takes 16 s.\n```\n\n"
        "A duration is a number with a unit (`ms`, `s`, `m`, `h`, `d`). Where a table says *duration or distribution*, "
        "a distribution may stand: `{median: 8s, p95: 40s}`, `{between: [5s, 20s]}` or "
        "`{usually: 8s, sometimes: 5m, share: 0.05}`. "
        "See [Write a scenario](../guides/scenarios.md) for an example with all blocks.\n"
    )
    yield from schema_tables(schema, "The top level", skip=("FaultKeys", *_fault_blocks(schema)))
    yield "\nThe kinds of fault and their parameters are listed under [Faults](faults.md).\n"


def _fault_blocks(schema: Mapping[str, Any]) -> set[str]:
    blocks = schema["definitions"]["FaultKeys"]["properties"].values()
    return {name for block in blocks for name in references(block)}


def scenarios() -> Iterator[str]:
    shipped = catalogue.select([])
    yield f"# Scenarios\n\nThe {len(shipped)} scenarios that ship with the harness. `harness show NAME` "
    yield "prints the purpose and the file of one.\n"
    for group, members in groupby(shipped, key=lambda scenario: scenario.group):
        yield f"\n## {group}\n"
        yield table(
            ("scenario", "purpose"),
            [(f"`{each.name}`", one_line(each.why)) for each in members],
        )


def faults() -> Iterator[str]:
    assert tuple(FAULT_STAGES) == KINDS, "each kind has its words here"
    yield (
        "# Faults\n\nA fault happens to a message on its way, at the provider's end of the connection. A scenario "
        "names it with the key `fault`, as a word (`fault: lost-request`) or with parameters "
        "(`fault: {slow-answer: {takes: 2s}}`); `harm` is an alias of that key until the next release. Faults act in "
        "the order of the stages below, whatever their order in the file. Of a response to a callback a provider reads "
        "only the status, so some faults are not available for `to: callbacks`. See "
        "[Write a fault](../guides/faults.md).\n"
    )
    for kind, (stage, several) in FAULT_STAGES.items():
        yield f"\n## {stage}\n\nDerived from `{kind.__name__}`. Several on one message: {several}.\n"
        rows = []
        for name, fault in FAULTS.items():
            if issubclass(fault, kind):
                fields = dataclasses.fields(fault)  # type: ignore[arg-type]
                parameters = ", ".join(map(_parameter, fields)) or "none"
                callbacks = "yes" if name in CALLBACK_FAULTS else "no"
                live = "yes" if fault.live_supported else "no"
                rows.append((f"`{name}`", one_line(fault.__doc__), parameters, callbacks, live))
        yield table(("fault", "what happens", "parameters", "callbacks", "live"), rows)


def _parameter(each: "dataclasses.Field[Any]") -> str:
    name = each.name.removesuffix("_s").replace("_", "-")
    if each.default is dataclasses.MISSING:
        return f"`{name}` (required)"
    unit = "s" if each.name.endswith("_s") and isinstance(each.default, int | float) else ""
    value = f"{each.default:g}" if isinstance(each.default, float) else str(each.default)
    return f"`{name}` ({value}{unit})" if value else f"`{name}` (empty)"
