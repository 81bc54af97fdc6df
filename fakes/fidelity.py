"""The ledger: what is known of the providers, how sure that is, and which tests show that the fakes do the same.

python -m harness.fakes.fidelity > fakes/FIDELITY.md
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

SOURCE = Path(__file__).with_name("ledger.yaml")
RENDERED = Path(__file__).with_name("FIDELITY.md")
Confidence = Literal["documented", "seen", "inferred"]
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that a provider does, and the fakes do."""

    rule: str
    section: str
    confidence: tuple[Confidence, ...]
    tests: tuple[str, ...]
    """Test functions, as `file::function` below tests/."""
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a provider does or may do, and the fakes do not."""

    rule: str
    section: str
    why: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """All of it; `sections` are the contract's, by their short names."""

    sections: dict[str, str]
    rules: tuple[Rule, ...]
    gaps: tuple[Gap, ...]


@cache
def read() -> Ledger:
    """Return the ledger. Raises TypeError for an entry with a key that is none or with one too few."""
    import yaml

    data = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    rules = (Rule(**{key: _frozen(value) for key, value in entry.items()}) for entry in data["rules"])
    return Ledger(data["sections"], tuple(rules), tuple(Gap(**entry) for entry in data["not_reproduced"]))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def render(ledger: Ledger) -> str:
    """Return the ledger in Markdown."""
    counts = {name: sum(name in rule.confidence for rule in ledger.rules) for name in CONFIDENCES}
    reported = ", ".join(f"{count} {name}" for name, count in counts.items())
    lines = [
        "# How true the fakes are",
        "",
        "<!-- Made by `python -m harness.fakes.fidelity` from ledger.yaml; edit that. -->",
        "",
        f"{len(ledger.rules)} rules of the providers' contracts ({reported}; some are more than one), each with "
        f"the tests that fail without it, and {len(ledger.gaps)} things that are not reproduced. *Documented* is what "
        "a provider's pages say, *seen* what clients or live captures show, *inferred* what is left to reason.",
    ]
    for section, title in ledger.sections.items():
        rules = [rule for rule in ledger.rules if rule.section == section]
        if not rules:
            continue
        lines += ["", f"## {section}. {title}" if section.isdecimal() else f"## {title}", ""]
        lines += ["| rule | confidence | shown by |", "|---|---|---|"]
        lines += [f"| {rule.rule} | {', '.join(rule.confidence)} | {_shown_by(rule)} |" for rule in rules]
    lines += ["", "## Not reproduced", "", "| what | section | why |", "|---|---|---|"]
    lines += [f"| {gap.rule} | {ledger.sections[gap.section]} | {gap.why} |" for gap in ledger.gaps]
    return "\n".join(lines) + "\n"


def _shown_by(rule: Rule) -> str:
    links = []
    for test in rule.tests:
        file, _, function = test.partition("::")
        links.append(f"[{function.removeprefix('test_').replace('_', ' ')}](../tests/{file})")
    where = f"; implemented in `{rule.where}`" if rule.where else ""
    return "<br>".join(links) + where


if __name__ == "__main__":
    print(render(read()), end="")
