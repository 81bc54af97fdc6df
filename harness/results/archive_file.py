"""The file format of results archives, which `--save` writes and `harness report` reads.

A file is gzip'd JSON Lines: a head that lists what was run, a line for each run with its result and journal, a line for
each thumbnail before the first run that shows it, and an end. A journal that is too long for a line goes on in as many
lines as its run says. A file that was cut off lacks the end, and is read up to its last whole run. The same runs give
the same bytes: there is no wall time in it.

A file may come from an untrusted source: nothing in it is executed, every length is bounded, and anything malformed is
a HarnessError that names file and line.
"""

import gc
import gzip
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from harness.causes.cause import Cause
from harness.errors import HarnessError
from harness.image.thumbnail import Thumbnail
from harness.input_file import open_input
from harness.invariants.metrics import Metrics
from harness.invariants.verdict import Verdict
from harness.json_text import parse_json
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario, entries_of
from harness.results.archive_lines import LINE_BYTES_MAX, ArchiveLines
from harness.results.redaction import is_redacted, redacted
from harness.results.replacement import replacing
from harness.results.result import Result
from harness.trace.events import NeverActed
from harness.trace.journal import Journal, entry_problem

FORMAT = "harness-stored-results/1"
DISTRIBUTION = "callback-contract-harness"
RUNS_MAX = 50_000
PROBLEM_CHARACTERS_MAX = 400
"""A sentence that quotes the file is no longer than this."""
THUMBNAIL_BYTES_MAX = 128 * 1024
PIECE_CHARACTERS = 4 * 2**20
"""A journal is cut into pieces of this length, and an entry; a piece has a line of its own."""
MORE_MAX = 10_000
"""The most lines in which a journal goes on."""

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str).encode


class StoredResultsError(HarnessError):
    """A file is not a results archive, is truncated or damaged, or is of an unsupported version."""


# Made


def packed_run(result: Result) -> Run:
    """Return a result with its journal and pictures, compressed."""
    assert result.journal is not None
    packer = zlib.compressobj(1)
    packed = [packer.compress(line.encode(errors="backslashreplace")) for line in _lines_of_run(result, result.journal)]
    return Run(
        replace(result, journal=None, pictures={}),
        b"".join([*packed, packer.flush()]),
        dict(result.pictures),
        len(result.journal),
    )


@lru_cache(maxsize=1)
def harness_version() -> str:
    """Return the version of the harness, `unknown` in a checkout that is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


# Written


def write_results(path: str, results: Results) -> None:
    """Write a results archive, atomically. Raise HarnessError if it cannot be written."""
    with replacing(path) as file:
        write_results_to(file, results)


def write_results_to(file: IO[bytes], results: Results) -> None:
    """Write a results archive to an open binary file."""
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as stream:
        stream.write(head_line(results))
        reported: set[str] = set()
        for each in results.runs:
            for line in run_lines(each, reported):
                stream.write(line)
        stream.write(_line({"end": {"runs": len(results.runs), "thumbnails": len(reported)}}))


def head_line(results: Results) -> bytes:
    """Return the first line: what was run."""
    return _line(_head(results))


def run_lines(run: Run, reported: set[str]) -> Iterator[bytes]:
    """Yield a run's lines, after those of its thumbnails that are not yet `reported`."""
    for picture in run.pictures.values():
        if picture.digest not in reported:
            reported.add(picture.digest)
            yield _line({"thumbnail": {**asdict(picture), "webp": b64encode(picture.webp).decode()}})
    yield zlib.decompress(run.packed) + b"\n"


def _line(value: Any) -> bytes:
    return (_ENCODE(value) + "\n").encode(errors="backslashreplace")


def _head(results: Results) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "harness": results.harness,
        "seed": results.seed,
        "scenarios": [asdict(scenario) for scenario in results.scenarios],
        "implementations": [asdict(implementation) for implementation in results.implementations],
    }


def _lines_of_run(result: Result, journal: Journal) -> Iterator[str]:
    """Yield a run's lines, which end where the next begins."""
    reported = {
        "scenario": result.scenario,
        "implementation": result.implementation,
        "seed": result.seed,
        "ending": result.ending,
        "simulated_s": result.simulated_s,
        "verdicts": [verdict._asdict() for verdict in result.verdicts],
        "causes": [cause._asdict() for cause in result.causes],
        "metrics": asdict(result.metrics),
        "tracks": list(result.tracks),
    }
    pictures = {url: picture.digest for url, picture in result.pictures.items()}
    first, *more = _pieces(journal)
    goes_on = f',"more":{len(more)}' if more else ""
    yield f'{{"run":{_ENCODE(reported)},"pictures":{_ENCODE(pictures)},"journal":[{first}]{goes_on}}}'
    for piece in more:
        yield f'\n{{"journal":[{piece}]}}'


def _pieces(journal: Journal) -> list[str]:
    """Return the entries of a journal as JSON, at least one piece."""
    pieces: list[str] = []
    texts: list[str] = []
    length = 0
    for entry in journal:
        texts.append(entry.to_json())
        length += len(texts[-1])
        if length > PIECE_CHARACTERS:
            pieces.append(",".join(texts))
            texts, length = [], 0
    return [*pieces, ",".join(texts)] if texts or not pieces else pieces


# Read


class _Head(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    harness: str
    seed: int
    scenarios: tuple[StoredScenario, ...]
    implementations: tuple[StoredImplementation, ...]


class _StoredResult(BaseModel):
    """A result in the line of a run."""

    model_config = ConfigDict(allow_inf_nan=False)

    scenario: str
    implementation: str
    seed: int
    ending: str
    simulated_s: float
    verdicts: tuple[Verdict, ...]
    causes: tuple[Cause, ...] = ()
    metrics: Metrics
    tracks: tuple[dict[str, Any] | None, ...]

    def result(self) -> Result:
        return Result(**{name: getattr(self, name) for name in type(self).model_fields}, wall_s=0.0)


_HEAD, _RESULT, _THUMBNAIL = TypeAdapter(_Head), TypeAdapter(_StoredResult), TypeAdapter(Thumbnail)
T = TypeVar("T")


def read_results(path: str) -> Results:
    """Read a results archive. Raise StoredResultsError with file and line."""
    try:
        with open(open_input(path), "rb") as file:
            return read_results_from(file, path)
    except FileNotFoundError:
        raise StoredResultsError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise StoredResultsError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def read_results_from(file: IO[bytes], path: str = "results", *, line_bytes_max: int = LINE_BYTES_MAX) -> Results:
    """Read a results archive from an open binary file."""
    with _without_collection():
        return _Reader(file, path, line_bytes_max).read()


@contextmanager
def _without_collection() -> Iterator[None]:
    """Collect no garbage: what is read has no cycles, and is searched for them again and again as it grows."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(slots=True)
class _JournalRead:
    """What is known of a journal, of which some pieces have been read."""

    entries: int = 0
    never_acted: list[NeverActed] = field(default_factory=list)


class _Reader:
    """A reader of one file."""

    def __init__(self, file: IO[bytes], path: str, line_bytes_max: int) -> None:
        self.path = path
        self.lines = ArchiveLines(file, self._wrong, line_bytes_max)
        self.thumbnails: dict[str, Thumbnail] = {}
        self.runs: dict[tuple[str, str], Run] = {}

    def read(self) -> Results:
        """Read all of it, or up to where it was cut off."""
        lines = iter(self.lines)
        head = self._head(self._value(next(lines, b"")))
        names = {scenario.name for scenario in head.scenarios}
        whos = {implementation.name for implementation in head.implementations}
        for line in lines:
            value = self._value(line)
            if "thumbnail" in value:
                self._take_thumbnail(value["thumbnail"])
            elif "run" in value:
                taken = self._run(value, line, lines)
                if taken is None:
                    break
                if taken.result.scenario not in names or taken.result.implementation not in whos:
                    self._wrong("a run whose scenario or implementation is missing in the head")
                if self.runs.setdefault(taken.key, taken) is not taken:
                    self._wrong("a duplicate run")
                if len(self.runs) > RUNS_MAX:
                    self._wrong(f"more than {RUNS_MAX} runs")
            elif "end" in value:
                if value["end"] != {"runs": len(self.runs), "thumbnails": len(self.thumbnails)}:
                    self._wrong(f"expected {value['end']} by the end line, found {len(self.runs)} runs")
                if next(lines, None) is not None:
                    self._wrong("expected nothing after the end line")
                return replace(head, runs=tuple(self.runs.values()))
            else:
                self._wrong("expected a thumbnail, a run or the end")
        return replace(head, runs=tuple(self.runs.values()), is_whole=False)  # it was cut off

    def _checked(self, shape: TypeAdapter[T], value: Any) -> T:
        """Return `value` validated; report the first problem of an invalid one."""
        try:
            return shape.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self._wrong(f"{where[:100]}: {first['msg']}")

    def _wrong(self, problem: str) -> NoReturn:
        raise StoredResultsError(f"{self.path}:{self.lines.number}: {problem[:PROBLEM_CHARACTERS_MAX]}") from None

    def _value(self, line: bytes) -> dict[str, Any]:
        try:
            value = parse_json(line.decode())
        except ValueError as error:
            if not line and self.lines.number == 1:
                self._wrong("the file is empty")
            self._wrong(f"not JSON ({str(error)[:100]})")
        if not isinstance(value, dict):
            self._wrong("not a JSON object")
        return value

    def _head(self, value: dict[str, Any]) -> Results:
        found = value.get("format")
        if found != FORMAT:
            known = isinstance(found, str) and found.startswith(FORMAT.partition("/")[0] + "/")
            self._wrong(
                f"expected format {FORMAT}, found {found}, written by version {str(value.get('harness'))[:40]}"
                if known
                else "not a results archive; `harness compare --save FILE` writes one"
            )
        self.lines.keep(value)
        head = self._checked(_HEAD, value)
        return Results(head.harness, head.seed, head.scenarios, head.implementations, ())

    def _take_thumbnail(self, value: Any) -> None:
        try:
            webp = b64decode(value["webp"], validate=True)
        except (KeyError, TypeError, ValueError):
            self._wrong("a thumbnail without picture data")
        taken = self._checked(_THUMBNAIL, {**value, "webp": b""})
        small = len(webp) <= THUMBNAIL_BYTES_MAX and webp[:4] == b"RIFF" and webp[8:12] == b"WEBP"
        if not small or len(taken.digest) != 16 or not set(taken.digest) <= set("0123456789abcdef"):
            self._wrong("an invalid thumbnail")
        if taken.digest in self.thumbnails:
            self._wrong("a duplicate thumbnail")
        self.thumbnails[taken.digest] = replace(taken, webp=webp)

    def _run(self, value: dict[str, Any], line: bytes, lines: Iterator[bytes]) -> Run | None:
        """Return the run of a line and of those in which its journal goes on; None if they were cut off."""
        reported, pictures, more = value["run"], value.get("pictures"), value.get("more", 0)
        first: Any = value.get("journal")
        if not isinstance(reported, dict) or not isinstance(pictures, dict):
            self._wrong("a run without result, pictures or journal")
        if type(more) is not int or not 0 <= more <= MORE_MAX:
            self._wrong(f"more: expected the number of lines in which the journal goes on, at most {MORE_MAX}")
        self.lines.keep(reported)
        result = self._checked(_RESULT, reported).result()
        known = _JournalRead()
        self._take_piece(first, known)
        if any(not isinstance(digest, str) or digest not in self.thumbnails for digest in pictures.values()):
            self._wrong("a run with a picture without a thumbnail in the file")
        shown = {url: self.thumbnails[digest] for url, digest in pictures.items()}
        if not is_redacted(first[0]["facts"] if first else {}):
            self.lines.check_unredacted(line, more)
            whole = replace(result, never_acted=tuple(known.never_acted), pictures=shown)
            return packed_run(redacted(replace(whole, journal=Journal(entries_of(first)))))
        packer = zlib.compressobj(1)
        packed = [packer.compress(line)]
        for _ in range(more):
            following = next(lines, None)
            if following is None:
                return None
            self._take_piece(self._value(following).get("journal"), known)
            packed.append(packer.compress(b"\n" + following))
        result = replace(result, never_acted=tuple(known.never_acted))
        return Run(result, b"".join([*packed, packer.flush()]), shown, known.entries)

    def _take_piece(self, journal: Any, known: _JournalRead) -> None:
        """Check a piece of a journal, and note what reports say of it."""
        if not isinstance(journal, list):
            self._wrong("a run without result, pictures or journal")
        for position, entry in enumerate(journal, start=known.entries + 1):
            problem = entry_problem(entry, position) if isinstance(entry, dict) else "it is no object"
            if problem is not None:
                self._wrong(f"entry {position} of the journal: {problem}")
            if entry["kind"] == NeverActed.kind:
                facts = entry["facts"]
                known.never_acted.append(NeverActed(trouble=facts["trouble"], why=facts["why"]))
        known.entries += len(journal)
