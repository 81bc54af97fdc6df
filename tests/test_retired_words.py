"""Retired words stay out of texts: strings, docstrings, comments, scenario files and documentation."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

INSTEAD = {
    r"harm(?:s|ed|ful|less)?": "fault, damage",
    r"promise[sd]?": "invariant, or declared for log lines",
    r"(?:is|are|was|were|be|been|has been|have been) told": "receives, is reported",
    r"tells? of": "reports, describes",
    r"nobody(?:'s)?": "no ..., or a passive",
    r"whoever": "the application, the caller, the user",
    r"who(?:ever)? asks": "the client, the caller",
    r"befalls?|befallen|befell": "happens to, affects",
    r"strangers?": "unknown host, untrusted source",
    r"leaves? (?:it|them) away": "omit",
    r"(?:could|can)not be judged|could not be judged": "inconclusive",
    r"what shall": "what to",
    r"stands here": "is, found",
    r"there already|is there already": "already exists",
    r"luck": "randomness",
    r"left out": "omitted, skipped",
    r"be left away": "be omitted",
    r"how it is called": "what it is named",
    r"hears? of": "receives",
    r"in circles": "livelock",
    r"(?:can be|is|was|are|were) asked (?:for|of)": "requested",
    r"all the same": "nevertheless, also",
    r"goes on (?:\w+ing)": "continues",
    r"somebody(?: else)?(?:'s)?": "another process, an unknown sender, or a passive",
    r"the news": "the callback, the event",
    r"the seed documents": "a link that opens",
    r"providers\.md": "a link that opens",
}
"""Patterns of retired words, and what to write instead."""
RETIRED = re.compile(rf"(?<![\w-])(?:{'|'.join(f'(?:{pattern})' for pattern in INSTEAD)})(?![\w-])", re.IGNORECASE)
ALLOWED = re.compile(
    r"nobody's picture|connection\.stranger|event\.harm|Promise<|new Promise|`harm`"
    r"|PROMISED_LOGS|promised_logs|logs-as-promised"
)
"""Identifiers that contain a retired word and stay."""
SUFFIXES = {".py", ".js", ".html", ".css", ".yaml", ".md", ".json"}


def texts() -> list[Path]:
    found = [ROOT / "README.md"]
    for folder in ("harness", "fakes", "scenarios", "docs"):
        found += sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return found


def written(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line numbers and texts: of Python the strings and comments, of anything else the lines."""
    source = path.read_text("utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), start=1)
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, " ".join(node.value.split())  # without a blank it is a key or a name
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def instead_of(word: str) -> str:
    return next(better for pattern, better in INSTEAD.items() if re.fullmatch(pattern, word, re.IGNORECASE))


def retired(text: str) -> list[str]:
    return [found[0] for found in RETIRED.finditer(ALLOWED.sub("", text))]


def test_no_text_has_a_retired_word() -> None:
    problems = [
        f'{path.relative_to(ROOT)}:{line}: "{word}", write {instead_of(word)} instead'
        for path in texts()
        for line, text in written(path)
        for word in retired(text)
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nobody is told of the harm.", ["Nobody", "is told", "harm"]),
        ("the `harm` key, PROMISED_LOGS and logs-as-promised", []),
        ("an unharmed compromise", []),
        ("it could not be judged, with luck", ["could not be judged", "luck"]),
    ],
)
def test_retired_words_are_found(text: str, words: list[str]) -> None:
    assert retired(text) == words
