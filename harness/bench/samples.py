"""Samples: a user's own measured times, from a CSV or a HAR file, in place of a model's.

A CSV file has the columns `what` (music, image, download or callback) and `seconds`. A HAR file supplies: how long
`POST /api/v1/generate/image` without a callBackUrl took, how long GETs from the providers' file hosts took, and for
tasks the time from the request that created them to the first record that shows their success. The model supplies
everything that a file lacks.
"""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.bench.models import KINDS, Model
from harness.bench.sampling import Samples
from harness.errors import HarnessError, nearest_hint
from harness.fakes.kie.contract import CREATE_TASK
from harness.fakes.kie.contract import RECORD_INFO as IMAGE_RECORD
from harness.fakes.paths import GENERATE_IMAGE
from harness.fakes.suno.contract import GENERATE
from harness.fakes.suno.contract import RECORD_INFO as MUSIC_RECORD
from harness.json_text import parse_json
from harness.results.files import read_text
from harness.world.hosts import MEDIA_HOSTS

SECONDS_MAX = 7 * 86_400.0
SHOWN_CHARACTERS_MAX = 100
SAMPLES_BYTES_MAX = 128 * 2**20
"""A browser's HAR has the contents of all responses."""
Measured = dict[str, list[float]]


def with_samples(model: Model, path: str) -> Model:
    """Return `model` with the times of a file; raises HarnessError with the file's line."""
    text = read_text(path, SAMPLES_BYTES_MAX)
    try:
        measured = _from_har(path, text) if path.lower().endswith(".har") else _from_csv(path, text)
    except csv.Error as error:
        raise HarnessError(f"{path}: not CSV ({error})") from None
    reported = {what: Samples(tuple(sorted(values))) for what, values in measured.items() if values}
    counts = ", ".join(f"{len(reported[what].seconds)} of {what}" for what in KINDS if what in reported)
    name = Path(path).name
    return replace(
        model,
        name=f"{model.name}+{name}",
        sentence=f"{name} ({counts}); everything else as in {model.name}.",
        music=reported.get("music", model.music),
        image=reported.get("image", model.image),
        download=reported.get("download", model.download),
        callback=reported.get("callback", model.callback),
        sources=((", ".join(reported), f"measured, {path}"), *model.sources),
    )


def _from_csv(path: str, text: str) -> Measured:
    measured: Measured = {}
    lines = csv.reader(text.removeprefix("\ufeff").splitlines())
    header = [cell.strip().lower() for cell in next(lines, [])]
    found = _shown(", ".join(header) or "none")
    if sorted(header) != ["seconds", "what"]:
        raise HarnessError(f'{path}:1: expected the columns "what,seconds", found {found}')
    what_at, seconds_at = header.index("what"), header.index("seconds")
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}:{lines.line_num}"
        if len(cells) != len(header):
            raise HarnessError(f"{where}: {len(cells)} cells, expected 2: what,seconds")
        what, written = cells[what_at].strip(), cells[seconds_at].strip()
        if what not in KINDS:
            raise HarnessError(
                f'{where}: expected one of {", ".join(KINDS)}, found "{_shown(what)}"{nearest_hint(what, KINDS)}'
            )
        measured.setdefault(what, []).append(_seconds(where, written))
    if not measured:
        raise HarnessError(f"{path}: no samples found; expected lines such as image,12.4")
    return measured


def _shown(text: str) -> str:
    """Return a text as a message quotes it."""
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}..."


def _seconds(where: str, written: str) -> float:
    try:
        seconds = float(written)
    except ValueError:
        raise HarnessError(f'{where}: expected a number of seconds such as 12.4, found "{_shown(written)}"') from None
    if not 0 <= seconds <= SECONDS_MAX or math.isnan(seconds):
        raise HarnessError(f"{where}: expected 0 to {SECONDS_MAX:g} s, found {_shown(written)}")
    return round(seconds, 3)


def _from_har(path: str, text: str) -> Measured:
    try:
        entries = parse_json(text)["log"]["entries"]
        measured = _measured(entries)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise HarnessError(f"{path}{line}: not a HAR file ({type(error).__name__}: {_shown(str(error))})") from None
    if not any(measured.values()):
        raise HarnessError(
            f"{path}: none of its {len(entries)} entries is a picture's response, a finished task or a download from "
            f"the providers; expected requests to {GENERATE_IMAGE}, {CREATE_TASK} and {IMAGE_RECORD}, {GENERATE} and "
            f"{MUSIC_RECORD}, or to {MEDIA_HOSTS[0]}"
        )
    return measured


def _measured(entries: list[Any]) -> Measured:
    measured: Measured = {what: [] for what in KINDS}
    began: dict[str, tuple[str, datetime]] = {}
    for entry in sorted(entries, key=lambda each: str(each["startedDateTime"])):
        request, seconds = entry["request"], round(float(entry["time"]) / 1000, 3)
        if not 0 <= seconds <= SECONDS_MAX:
            raise ValueError(f"a time of {seconds:g} s")
        parts = urlsplit(request["url"])
        answer = _json(entry["response"].get("content", {}).get("text"))
        reported = answer.get("data")
        data: dict[str, Any] = reported if isinstance(reported, dict) else {}
        requested = (request["method"], parts.path)
        if request["method"] == "GET" and parts.hostname in MEDIA_HOSTS:
            measured["download"].append(seconds)
        elif requested == ("POST", GENERATE_IMAGE) and not _json(_posted(request)).get("callBackUrl"):
            measured["image"].append(seconds)
        elif requested in (("POST", CREATE_TASK), ("POST", GENERATE)) and data.get("taskId"):
            what = "music" if parts.path == GENERATE else "image"
            began[str(data["taskId"])] = (what, datetime.fromisoformat(entry["startedDateTime"]))
        elif parts.path in (IMAGE_RECORD, MUSIC_RECORD) and _is_done(data):
            task_id = (parse_qs(parts.query).get("taskId") or [str(data.get("taskId"))])[0]
            for what, at in _taken(began, task_id):
                took = datetime.fromisoformat(entry["startedDateTime"]) - at
                measured[what].append(round(took.total_seconds() + seconds, 3))
    return measured


def _taken(began: dict[str, tuple[str, datetime]], task_id: str) -> Iterator[tuple[str, datetime]]:
    """Yield the start of a task when a record first shows its success."""
    if task_id in began:
        yield began.pop(task_id)


def _is_done(data: dict[str, Any]) -> bool:
    return data.get("state") == "success" or data.get("status") == "SUCCESS"


def _posted(request: dict[str, Any]) -> Any:
    return (request.get("postData") or {}).get("text")


def _json(text: Any) -> dict[str, Any]:
    try:
        value = parse_json(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
