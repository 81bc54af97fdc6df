"""A user's own measured times, from CSV and HAR files."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bench.figures import Bench
from harness.bench.json_format import bench_plan
from harness.bench.models import TYPICAL
from harness.bench.samples import with_samples
from harness.bench.sampling import Samples
from harness.bench.world import BenchPlan
from harness.errors import HarnessError
from tests.bench.plans import plan, played


def test_a_csv_files_times_replace_the_models(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("what,seconds\nimage,12.5\nimage, 3\n\ndownload,0.25\n", "utf-8")
    model = with_samples(TYPICAL, str(path))
    assert model.image == Samples((3.0, 12.5))
    assert model.download == Samples((0.25,))
    assert model.music == TYPICAL.music
    assert model.name == "typical+mine.csv"
    assert "2 of image, 1 of download" in model.sentence


def test_other_samples_are_other_draws_even_under_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    digests = []
    for seconds in (3, 3, 4):
        path.write_text(f"what,seconds\nimage,{seconds}\n", "utf-8")
        planned = BenchPlan(with_samples(TYPICAL, str(path)), 1, 1, 6.0, 50)
        digests.append(bench_plan(Bench(planned, ()))["model_digest"])
    assert digests[0] == digests[1] != digests[2]


def test_the_tracks_take_the_times_of_the_samples(tmp_path: Path) -> None:
    """Only 3 s and 12.5 s are possible, so no response takes any other time."""
    planned = plan(tracks=30, image=Samples((3.0, 12.5)))
    answers = {record.answer_s for chunk in played("synchronous", planned) for record in chunk.records}
    assert answers == {3.0, 12.5}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ':1: expected the columns "what,seconds", found none'),
        ("kind,seconds\n", ':1: expected the columns "what,seconds", found kind, seconds'),
        (
            "what,seconds\nimage,3\nimages,4\n",
            ':3: expected one of music, image, answer, download, callback, found "images"; did you mean',
        ),
        ("what,seconds\nimage,soon\n", ':2: expected a number of seconds such as 12.4, found "soon"'),
        ("what,seconds\nimage,-1\n", ":2: expected 0 to 604800 s, found -1"),
        ("what,seconds\nimage,nan\n", ":2: expected 0 to 604800 s, found nan"),
        ("what,seconds\nimage,1,2\n", ":2: 3 cells, expected 2"),
        ("what,seconds\n", ": no samples found"),
    ],
)
def test_a_mistake_in_a_csv_file_is_reported_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(HarnessError) as refused:
        with_samples(TYPICAL, str(path))
    assert str(refused.value).startswith(str(path))
    assert told in str(refused.value)


def entry(at: str, method: str, url: str, ms: float, answer: Any = None, body: Any = None) -> dict[str, Any]:
    request: dict[str, Any] = {"method": method, "url": url}
    if body is not None:
        request["postData"] = {"text": json.dumps(body)}
    return {
        "startedDateTime": f"2026-05-01T10:{at}.000Z",
        "time": ms,
        "request": request,
        "response": {"content": {"text": json.dumps(answer)} if answer is not None else {}},
    }


def har(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}})


def test_a_har_file_supplies_pictures_tasks_and_downloads(tmp_path: Path) -> None:
    kie, media = "https://api.kie.ai/api/v1", "https://tempfile.aiquickdraw.com/p/1.png"
    path = tmp_path / "mine.har"
    path.write_text(
        har(
            entry("00:00", "POST", f"{kie}/generate", 200, {"code": 200, "data": {"taskId": "m1"}}),
            entry("00:30", "GET", f"{kie}/generate/record-info?taskId=m1", 100, {"data": {"status": "PENDING"}}),
            entry("01:30", "GET", f"{kie}/generate/record-info?taskId=m1", 500, {"data": {"status": "SUCCESS"}}),
            entry("02:00", "GET", f"{kie}/generate/record-info?taskId=m1", 500, {"data": {"status": "SUCCESS"}}),
            entry("03:00", "POST", f"{kie}/generate/image", 8200, {"code": 200}, {"prompt": "x"}),
            entry("03:10", "POST", f"{kie}/generate/image", 90, {"code": 200}, {"callBackUrl": "http://me"}),
            entry("04:00", "POST", f"{kie}/jobs/createTask", 100, {"data": {"taskId": "i1"}}),
            entry("04:20", "GET", f"{kie}/jobs/recordInfo?taskId=i1", 250, {"data": {"state": "success"}}),
            entry("05:00", "GET", media, 340),
            entry("05:10", "GET", "https://example.org/other.png", 999),
        ),
        "utf-8",
    )
    model = with_samples(TYPICAL, str(path))
    assert model.music == Samples((90.5,))
    assert model.image == Samples((8.2, 20.25))
    assert model.download == Samples((0.34,))
    assert model.callback == TYPICAL.callback


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", ":1: not a HAR file"),
        ("{}", "not a HAR file (KeyError: 'log')"),
        (har(), "none of its 0 entries"),
        (har(entry("00:00", "GET", "https://example.org/", 5)), "none of its 1 entries"),
        (har({"startedDateTime": "2026", "time": "x", "request": {"url": "", "method": "GET"}}), "not a HAR file"),
    ],
)
def test_a_file_that_is_not_a_har_file_of_these_providers_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.har"
    path.write_text(text, "utf-8")
    with pytest.raises(HarnessError) as refused:
        with_samples(TYPICAL, str(path))
    assert told in str(refused.value)


def test_a_missing_file_is_reported() -> None:
    with pytest.raises(HarnessError, match="there is no such file"):
        with_samples(TYPICAL, "nowhere.csv")
