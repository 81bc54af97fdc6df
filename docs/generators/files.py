"""The pages that are files of the repository, or describe one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from docs.generators.markdown import schema_tables

ROOT = Path(__file__).resolve().parents[2]


def results() -> Iterator[str]:
    yield from format_page(
        "Results format",
        "harness-results-1.schema.json",
        "`harness compare`, `run` and `judge` write this JSON with `--json FILE`, and `harness report --json` makes it "
        "from a results archive. `--ndjson` writes one result a line.",
    )


def bench() -> Iterator[str]:
    yield from format_page(
        "Bench format", "harness-bench-1.schema.json", "`harness bench` writes this JSON with `--json FILE`."
    )


def explanation() -> Iterator[str]:
    yield from format_page(
        "Explanation format",
        "harness-explanation-1.schema.json",
        "`harness explain` writes this JSON with `--json FILE`.",
    )


def format_page(title: str, file: str, purpose: str) -> Iterator[str]:
    schema = json.loads((ROOT / "docs" / "reference" / file).read_text("utf-8"))
    yield f"# {title}\n\n{purpose} Its [JSON Schema]({file}) is versioned with the `format` field: a change that "
    yield "readers have to know of gets a new number.\n"
    yield from schema_tables(schema, "The top level")


def provider_rules() -> Iterator[str]:
    text = (ROOT / "fakes" / "FIDELITY.md").read_text("utf-8")
    text = re.sub(r"<!--.*?-->\n*", "", text, flags=re.DOTALL)
    text = re.sub(r"\[([^\]]+)\]\(\.\./tests/[^)]+\)", r"\1", text)
    yield re.sub(r"\A# .*\n", "# Provider rules\n", text)


def changelog() -> Iterator[str]:
    yield (ROOT / "CHANGELOG.md").read_text("utf-8")


def architecture() -> Iterator[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    yield re.sub(r"\]\(docs/([^)]+)\)", r"](../\1)", text)
