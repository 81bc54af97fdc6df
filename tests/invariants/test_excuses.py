"""Every excuse of an invariant is needed by a test, and refused by another; excused.py says how that is found out."""

import ast
import os
from collections import defaultdict

import pytest

from tests.invariants.excused import FOLDER, HERE, ROOT, ListedExcuse, listed, noticed

ALL = listed()
NO_EXCUSES = {
    "_brings_no_picture",  # an event for which log lines are declared
    "_brings_the_music",  # a figure
    "_has",  # a field of a song, which is there or not
    "_is_private",  # a word in a sentence
    "_holds",  # a search, which finds or does not
}
"""Predicates that let nothing pass."""


@pytest.mark.parametrize("excuse", ALL, ids=lambda excuse: excuse.key)
def test_an_excuse_stands_in_its_file_once_and_names_its_tests(excuse: ListedExcuse) -> None:
    compile(excuse.edited(), excuse.source, "exec")
    file, _, name = excuse.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / HERE / file).read_text("utf-8")


def test_no_predicate_of_an_invariant_is_missing_in_the_list() -> None:
    found = defaultdict(list)
    for excuse in ALL:
        found[excuse.source].append(excuse.written["find"])
    unlisted = [
        node.name
        for path in sorted(FOLDER.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and _may_excuse(node)
        if not any(text in _body_of(node, path.read_text("utf-8")) for text in found[path])
    ]
    assert sorted({*unlisted} - NO_EXCUSES) == []


def _may_excuse(node: ast.FunctionDef) -> bool:
    """Return whether a function is a predicate of one file, or returns an excuse."""
    returned = "" if node.returns is None else ast.unparse(node.returns)
    return returned == "Excuse | None" or (returned == "bool" and node.name.startswith("_"))


def _body_of(node: ast.FunctionDef, text: str) -> str:
    return ast.get_source_segment(text, node) or ""


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each excuse is judged otherwise in a process that was forked")
def test_each_test_notices_that_its_excuse_is_judged_otherwise() -> None:
    assert noticed() == {excuse.key: [excuse.test] for excuse in ALL}
