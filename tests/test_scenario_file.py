"""Scenario files: a file is read into the value that is run, and the schema for editors matches the reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from harness.errors import ScenarioError
from harness.fakes.latency import Bimodal, Fixed, Lognormal, Never, Uniform
from harness.fakes.script import (
    COVER,
    DeliveryRules,
    Extra,
    Failure,
    Image,
    ImageForgery,
    KieScript,
    MediaScript,
    Music,
    Picture,
    Script,
    Stray,
    SunoScript,
)
from harness.faults.bodies import EmptyBody, OversizedBody
from harness.faults.delays import DribbledBody, SlowAnswer, SlowConnect
from harness.faults.framing import WrongLength
from harness.faults.randomness import Schedule
from harness.faults.registry import CALLBACK_FAULTS, FAULTS
from harness.faults.requests import AlteredRequest, LateRequest
from harness.faults.rule import EveryNth, FaultRule
from harness.faults.stores import MissingColumn, StoreLocked
from harness.invariants.registry import INVARIANTS
from harness.scenario.catalogue import shipped_root
from harness.scenario.loader import json_schema, parse_scenario, read_scenario
from harness.scenario.model import Scenario, UserAction
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform

WHY = "why: it shows what happens\n"
SHIPPED = sorted(shipped_root().glob("*/*.yaml"))

RICH = """\
why: >
  Everything that can be said,
  said once.
tracks: 20
apart: 1s
deadline: 2h
impossible:
  image-2k: "Kie.ai never makes a picture"
  image-native: there is none
suno:
  music:
    - takes: {median: 90s, p95: 3m}
      sends: [complete, first]
      apart: 0s
      callbacks: never
      cover: none
      cover-url: null
      record-lags: 5m
    - takes: never
      cover: {size: 720x720, made-at: 360x360, format: webp, flaw: zero-bytes}
      fails: {code: 429, message: slow down, as-http: true, html: true, retry-after: 20s, when: after-generating}
      empty-complete: true
      text-carries: "null"
      error-carries: empty
      task-id-on-top: true
      unknown-status: true
      swapped-case: true
    - cover: 1024x576
      sends: [text, progress, complete, error]
      complete-carries: covers
      without-audio: second
      record-audio: another
      record-cover: 2048x1152
    - record-cover: none
  answer-within: 10s
  retries-after: [0s, 1m]
  accepts: 2xx
  stops-at-4xx: true
  dialect: sunoapi.org
  task-ids: prefixed
  models: [V5, V6]
  errors-as-http: true
  records: documented
  invisible-for: 3s
  queries-per-second: 1
  key-quota: 24
  strays:
    - {after: 200s, what: forgery, forgery: stale}
    - {after: 1.5s, what: unknown-image}
    - {after: 2s, what: forgery, forgery: altered, cover: 2048x1152}
  credits: 0
  creations-per-10s: 2
kie:
  profile: documented
  images:
    - takes: {between: [5s, 20s]}
      picture: 1024x576
      picture-url: undefined
      answer: wrapped
      fails: 501
    - takes: {usually: {between: [1s, 2s]}, sometimes: 5m, share: 0.05}
      picture: {flaw: cmyk}
      callback: never
      callback-late: 250ms
      callback-times: 2
      waits: never
      task-id-on-top: true
      record-lags: 5m
    - {answer: picture-at-once, callback-shape: result-urls, error-after: 30s}
  forgeries: [{after: 2s, forgery: unsigned}, {after: 3s, forgery: stale, picture: 360x360}]
  invisible-for: 3s
  pixel-table: bytedance
  retries-after: []
  credits: 7
media:
  expires-after: never
  missing-for: 3s
  refuses-library-agents: true
  refuses-hotlinks: true
  redirects: loop
  empty: true
  changes-after: 1d
  ignores-range: true
  head-differs: true
  status-with-image: 500
faults:
  - to: kie
    path: /api/v1/generate/image
    method: POST
    which: 7th
    from: 0s
    until: 10m
    probability: 0.5
    fault: empty-body
  - to: media
    which: every
    fault:
      dribbled-body: {bytes: 2KiB, every: 500ms}
  - to: suno
    which: second
    fault: {slow-answer: {takes: 1m}}
  - to: suno
    fault: {oversized-body: }
  - to: kie
    from: 30s
    fault: {slow-connect: {takes: {median: 8s, p95: 40s}}}
  - to: callbacks
    containing: '"callbackType":"complete"'
    fault: {late-request: {takes: [1s, {between: [5s, 20s]}, never]}}
  - {to: callbacks, fault: {altered-request: {text: complete, by: first}}}
  - {to: media, fault: {wrong-length: {says: twice}}}
  - {to: store, path: /rest/v1/tracks, method: PATCH, fault: {store-locked: {takes: never}}}
  - {to: store, fault: {missing-column: {column: image_label}}}
title: It's "long" 🎵
user: [{after: 0s, does: ask-again}, {after: 2m, does: delete}]
platform:
  answer-limit: 60s
  background-limit: 0s
  restarts: [100s, 2m]
  cron-every: 30s
  instances: 2
"""

RICH_VALUE = Scenario(
    name="group/rich",
    path="rich.yaml",
    why="Everything that can be said, said once.",
    tracks=20,
    apart_s=1.0,
    deadline_s=7200.0,
    impossible=(("image-2k", "Kie.ai never makes a picture"), ("image-native", "there is none")),
    script=Script(
        suno=SunoScript(
            music=(
                Music(
                    takes=Lognormal(90.0, 180.0),
                    sends=("complete", "first"),
                    apart_s=0.0,
                    callbacks="never",
                    cover=None,
                    cover_url="null",
                    record_lags_s=300.0,
                ),
                Music(
                    takes=Never(),
                    cover=Picture(720, 720, 360, 360, "webp", "zero-bytes"),
                    fails=Failure(429, "slow down", True, True, 20.0, "after-generating"),
                    empty_complete=True,
                    text_carries="null",
                    error_carries="empty",
                    task_id_on_top=True,
                    unknown_status=True,
                    swapped_case=True,
                ),
                Music(
                    cover=Picture(1024, 576, format="jpeg"),
                    sends=("text", "progress", "complete", "error"),
                    complete_carries="covers",
                    without_audio="second",
                    record_audio="another",
                    record_cover=Picture(2048, 1152, format="jpeg"),
                ),
                Music(record_cover=None),
            ),
            delivery=DeliveryRules(10.0, (0.0, 60.0), "2xx", True),
            dialect="sunoapi.org",
            task_ids="prefixed",
            models=("V5", "V6"),
            errors_as_http=True,
            records="documented",
            invisible_s=3.0,
            queries_per_s=1,
            key_quota=24,
            strays=(
                Stray(200.0, "forgery", "stale"),
                Stray(1.5, "unknown-image"),
                Stray(2.0, "forgery", "altered", Picture(2048, 1152, format="jpeg")),
            ),
            credits=0,
            creations_per_10_s=2,
        ),
        kie=KieScript(
            profile="documented",
            images=(
                Image(
                    takes=Uniform(5.0, 20.0),
                    picture=Picture(1024, 576),
                    picture_url="undefined",
                    answer="wrapped",
                    fails=Failure(501),
                ),
                Image(
                    takes=Bimodal(Uniform(1.0, 2.0), Fixed(300.0), 0.05),
                    picture=Picture(flaw="cmyk"),
                    callback="never",
                    callback_late_s=0.25,
                    callback_times=2,
                    waits_s=float("inf"),
                    task_id_on_top=True,
                    record_lags_s=300.0,
                ),
                Image(answer="picture-at-once", callback_shape="result-urls", error_after_s=30.0),
            ),
            delivery=DeliveryRules(retries_after_s=()),
            forgeries=(ImageForgery(2.0, "unsigned"), ImageForgery(3.0, "stale", Picture(360, 360))),
            invisible_s=3.0,
            pixel_table="bytedance",
            credits=7,
        ),
        media=MediaScript(
            expires_after_s=float("inf"),
            missing_for_s=3.0,
            refuses_library_agents=True,
            refuses_hotlinks=True,
            redirects=-1,
            empty=True,
            changes_after_s=86_400.0,
            ignores_range=True,
            head_differs=True,
            status_with_image=500,
        ),
    ),
    faults=(
        FaultRule("kie", EmptyBody(), "/api/v1/generate/image", "POST", 7, 0.0, 600.0, 0.5),
        FaultRule("media", DribbledBody(bytes=2048, every_s=0.5)),
        FaultRule("suno", SlowAnswer(takes_s=60.0), nth=2),
        FaultRule("suno", OversizedBody()),
        FaultRule("kie", SlowConnect(takes_s=Lognormal(8.0, 40.0)), from_s=30.0),
        FaultRule(
            "callbacks",
            LateRequest(takes_s=Schedule((Fixed(1.0), Uniform(5.0, 20.0), Never()))),
            containing='"callbackType":"complete"',
        ),
        FaultRule("callbacks", AlteredRequest("complete", "first")),
        FaultRule("media", WrongLength("twice")),
        FaultRule("store", StoreLocked(float("inf")), "/rest/v1/tracks", "PATCH"),
        FaultRule("store", MissingColumn("tracks", "image_label")),
    ),
    title='It\'s "long" 🎵',
    user=(UserAction(0.0, "ask-again"), UserAction(120.0, "delete")),
    platform=Platform(AnswerLimit(60.0), BackgroundLimit(), restarts=(100.0, 120.0), cron_every_s=30.0, instances=2),
)


def parsed(text: str) -> Scenario:
    return parse_scenario(text, path="a.yaml", name="group/a")


def test_a_file_with_only_why_is_a_healthy_scenario() -> None:
    assert parsed("why: nothing is wrong here") == Scenario("group/a", "nothing is wrong here", path="a.yaml")


def test_a_rich_file_is_read_into_a_frozen_value() -> None:
    assert parse_scenario(RICH, path="rich.yaml", name="group/rich") == RICH_VALUE


def test_equal_files_are_equal_values_with_one_hash() -> None:
    assert hash(parsed(RICH)) == hash(parsed(RICH))
    assert len({parsed(RICH), parsed(RICH), parsed(WHY)}) == 2


def test_every_fault_can_be_written_by_its_name_alone() -> None:
    for name, fault in FAULTS.items():
        link = (fault.links or ("kie",))[0]
        (rule,) = parsed(f"{WHY}faults: [{{to: {link}, fault: {name}}}]").faults
        assert rule.fault == fault()


def test_a_callback_takes_every_fault_that_does_not_alter_its_response() -> None:
    taken = []
    for name in FAULTS:
        try:
            parsed(f"{WHY}faults: [{{to: callbacks, fault: {name}}}]")
        except ScenarioError:
            continue
        taken.append(name)
    assert tuple(taken) == CALLBACK_FAULTS


def test_an_anchor_and_a_merge_save_repetition() -> None:
    entries = "    - &slow {takes: 16s, callback: never}\n    - {<<: *slow, takes: 5s}\n    - *slow\n"
    text = f"{WHY}kie:\n  images:\n{entries}"
    slow = Image(Fixed(16.0), callback="never")
    assert parsed(text).script.kie.images == (slow, Image(Fixed(5.0), callback="never"), slow)


def test_a_cover_keeps_its_own_defaults_and_a_picture_its_own() -> None:
    text = f"{WHY}suno: {{music: [{{cover: {{flaw: cmyk}}}}]}}\nkie: {{images: [{{picture: {{made-at: 360x360}}}}]}}"
    scenario = parsed(text)
    assert scenario.script.suno.music[0].cover == Picture(COVER.width, COVER.height, format="jpeg", flaw="cmyk")
    assert scenario.script.kie.images[0].picture == Picture(2048, 1152, 360, 360, "png")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("250ms", 0.25),
        ("16s", 16.0),
        ("1.5h", 5400.0),
        ("5m", 300.0),
        ("14d", 1_209_600.0),
        ("0s", 0.0),
        ("400d", 34_560_000.0),
    ],
)
def test_durations_have_units(written: str, seconds: float) -> None:
    assert parsed(f"{WHY}deadline: {written}").deadline_s == seconds


@pytest.mark.parametrize(
    ("written", "nth"),
    [
        ("first", 1),
        ("second", 2),
        ("third", 3),
        ("7th", 7),
        ("1st", 1),
        ("22nd", 22),
        ("every", None),
        ("every third", EveryNth(3)),
        ("every first", None),
    ],
)
def test_occurrences_are_words(written: str, nth: int | EveryNth | None) -> None:
    assert parsed(f"{WHY}faults: [{{to: kie, fault: empty-body, which: {written}}}]").faults[0].nth == nth


def test_a_file_is_named_after_its_folder_and_stem(tmp_path: Path) -> None:
    file = tmp_path / "slow" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(WHY)
    assert (read_scenario(file).name, read_scenario(file).group) == ("slow/mine", "slow")
    assert read_scenario(file).path == str(file)
    assert read_scenario(file, name="other").name == "other"


def test_an_unreadable_file_is_reported_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.yaml: there is no such file$"):
        read_scenario(tmp_path / "none.yaml")
    with pytest.raises(ScenarioError, match=r"expected a scenario file, found a folder$"):
        read_scenario(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"# a comment\nwhy: caf\xe9 au lait\n")
    with pytest.raises(ScenarioError, match=r"latin\.yaml:2:9: the byte 0xE9 is not UTF-8; save the file as UTF-8\n"):
        read_scenario(latin)


def test_only_safe_and_plain_yaml_is_read() -> None:
    assert parsed("why: 12:30 and yes and 0x10\n").why == "12:30 and yes and 0x10"
    with pytest.raises(ScenarioError, match=r"a\.yaml:2:9: tracks"):
        parsed(f"{WHY}tracks: 0x10\n")


def test_the_schema_file_is_generated_from_the_models() -> None:
    assert json.loads((shipped_root() / "scenario.schema.json").read_text("utf-8")) == json_schema(), (
        "run: harness schema > scenarios/scenario.schema.json"
    )


def test_the_schema_is_a_draft_7_schema() -> None:
    Draft7Validator.check_schema(json_schema())
    written = json.dumps(json_schema())
    assert "$defs" not in written
    assert "prefixItems" not in written


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of a schema that has properties, without the examples."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for name, part in schema.items():
            if name != "examples":
                yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_every_key_has_a_description_and_examples_that_are_valid() -> None:
    schema = json_schema()
    blocks = list(objects(schema))
    assert len(blocks) > 15
    for block in blocks:
        assert block["additionalProperties"] is False
        for name, part in block["properties"].items():
            assert part.get("description"), name
            assert part.get("examples"), name
            check = Draft7Validator({"definitions": schema["definitions"], **part})
            for example in part["examples"]:
                check.validate(example)


def test_the_schema_accepts_the_rich_file_and_rejects_mistakes() -> None:
    check = Draft7Validator(json_schema())
    check.validate(yaml.safe_load(RICH))
    assert not check.is_valid({"why": "x", "trakcs": 1})
    assert not check.is_valid({"why": " "})
    assert not check.is_valid({"why": "x", "deadline": 16})
    assert not check.is_valid({"why": "x", "kie": {"images": [{"takes": "16"}]}})
    assert not check.is_valid({"why": "x", "impossible": {"image-3k": "x"}})


@pytest.mark.parametrize("path", SHIPPED, ids=[f"{path.parent.name}/{path.stem}" for path in SHIPPED])
def test_a_shipped_file_is_valid_and_explained(path: Path) -> None:
    text = path.read_text("utf-8")
    scenario = read_scenario(path)
    Draft7Validator(json_schema()).validate(yaml.safe_load(text))
    assert text.startswith("# yaml-language-server: $schema=../scenario.schema.json\nwhy: >\n")
    assert len(scenario.why) >= 60
    assert max(len(line) for line in text.splitlines()) <= 120
    assert hash(scenario) == hash(read_scenario(path))


def test_no_two_shipped_files_have_the_same_why() -> None:
    whys = [read_scenario(path).why for path in SHIPPED]
    assert len(set(whys)) == len(whys)


def test_few_invariants_are_warnings() -> None:
    warnings = {name for name, invariant in INVARIANTS.items() if invariant.severity == "warning"}
    assert warnings == {
        "audio-durable",
        "charges-once",
        "image-durable",
        "keeps-rate",
        "logs-as-promised",
        "resolution-stored",
    }
    assert all(name == invariant.name and invariant.sentence.endswith(".") for name, invariant in INVARIANTS.items())


def test_what_is_ordered_beside_songs_is_read_by_kind() -> None:
    text = """why: The cover is late and small, extensions fail.
suno:
  variants: [{fails: {code: 501, when: after-generating}}]
  extras:
    cover: {takes: 10m, picture: 360x360, callback-times: 2}
    vocal-removal: {callback: never}
    style-takes: 30s
"""
    suno = parse_scenario(text, name="x", path="x.yaml").script.suno

    assert suno.variants == (Music(fails=Failure(501, when="after-generating")),)
    assert suno.extras.cover == Extra(takes=Fixed(600.0), picture=Picture(360, 360), callback_times=2)
    assert suno.extras.vocal_removal == Extra(callback="never")
    assert (suno.extras.lyrics, suno.extras.style_takes) == (Extra(), Fixed(30.0))
