"""A Next.js-style application in TypeScript on supabase-js, not a line of it changed, through fifty scenarios.

It is built as the strategy `synchronous` is, so in the simulated world that says what is to be found; where the
application is another one, `DIFFERENCES` says what else is found, and why that is true of it.
"""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.engine.pool import run_pairs, workers_for
from harness.engine.run import resolve, run
from harness.results.result import Result
from harness.scenario import catalogue
from harness.targets import load_live
from harness.world.live.faketime import library

pytestmark = [
    pytest.mark.live,
    pytest.mark.postgres,
    pytest.mark.skipif(shutil.which("npm") is None, reason="Node and npm are not installed"),
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
    pytest.mark.timeout(900),
]
APP = Path(__file__).parent.parent / "apps" / "typescript"
SPEED = 50.0
PATIENCE_S = 300.0
"""On a busy machine many runs have to be repeated."""
SCENARIOS = [
    *("baseline/healthy", "baseline/healthy-2k-cover", "baseline/healthy-no-cover", "baseline/healthy-small-cover"),
    *("slow/image-5s", "slow/image-16s", "slow/image-30s", "slow/image-59s", "slow/image-61s"),
    *("failing/code-401", "failing/code-402", "failing/code-422", "failing/code-500-once", "failing/code-500-always"),
    *("failing/code-501-always", "failing/code-505", "failing/http-500-once", "failing/http-502-html"),
    *("failing/broken-json", "failing/cut-off-json", "failing/data-null", "failing/empty-body"),
    *("failing/image-url-missing", "failing/image-url-undefined", "failing/task-id-only", "failing/reset-in-body"),
    *("failing/oversized-body", "failing/reset-before-answer", "failing/connection-refused"),
    *("low-resolution/image-1024x576", "low-resolution/image-2048x1024", "low-resolution/image-portrait"),
    *("low-resolution/image-2560x1440-is-fine", "low-resolution/zero-bytes", "low-resolution/html-as-image"),
    *("low-resolution/cut-off-after-header", "low-resolution/header-lies", "low-resolution/exif-rotated"),
    *("low-resolution/exif-rotated-away", "low-resolution/svg", "low-resolution/webp-vp8x"),
    *("callbacks/complete-only", "callbacks/cover-url-null", "callbacks/cover-url-undefined"),
    *("callbacks/cover-url-private", "callbacks/concurrent-duplicates", "callbacks/duplicate-complete"),
    *("callbacks/error-callback", "callbacks/complete-before-create-answer", "callbacks/text-first-complete"),
    *("media/redirect-chain", "media/redirect-loop", "media/refuses-library-agents"),
    *("platform/restart-between-callbacks", "drift/image-url-renamed", "drift/result-wrapped"),
]
AT_SPEED_1 = Path(__file__).with_name("verdicts_at_speed_1.yaml")
BESIDE_100_S = Path(__file__).with_name("around_100s")
BESIDE_LIMITS = ("slow/image-14s", "slow/image-299s", "slow/image-301s", *map(str, sorted(BESIDE_100_S.glob("*.yaml"))))
"""Besides those of `SCENARIOS`, what lies on both sides of 15, 60, 100 and 300 s."""
HEADER_ONLY = "image-size reads a picture's header and never decodes it, so it takes a damaged one for whole"
DIFFERENCES: dict[str, tuple[set[str], set[str], str]] = {
    # scenario: what is found only in it, what is found only in the strategy, and why
    "failing/oversized-body": (
        set(),
        {"callback-answered"},
        "it reads answers of any size, and this one is a good one; the strategy stops at 1 MiB and asks again",
    ),
    "low-resolution/cut-off-after-header": (
        {"image-loads", "failure-visible"},
        {"image-present", "callback-answered"},
        HEADER_ONLY,
    ),
    "low-resolution/header-lies": (
        {"image-loads", "failure-visible"},
        {"image-present", "callback-answered"},
        HEADER_ONLY,
    ),
    "low-resolution/svg": (
        {"image-loads", "failure-visible"},
        {"image-present", "callback-answered"},
        "image-size knows the size that an SVG names, and nothing asks whether it is a picture of pixels",
    ),
    "low-resolution/exif-rotated": (
        {"image-present", "callback-answered", "generates-once"},
        set(),
        "it does not look at EXIF, so a picture that is shown as landscape is refused as portrait, and bought twice",
    ),
    "low-resolution/exif-rotated-away": (
        {"failure-visible", "fallback-labelled", "resolution-true"},
        {"image-present", "callback-answered"},
        "it does not look at EXIF, so a picture that is portrait when it is shown is taken",
    ),
    "callbacks/cover-url-private": (
        {"fetches-safely"},
        set(),
        "it opens whatever address a callback names",
    ),
    "callbacks/complete-before-create-answer": (
        {"callback-answered"},
        set(),
        "a callback for a task that is not in its table yet is answered 404, and only helped by its redelivery",
    ),
}


def newest(folder: Path, *patterns: str) -> float:
    return max(path.stat().st_mtime for pattern in patterns for path in folder.glob(pattern))


@pytest.fixture(scope="module")
def built() -> Path:
    """Install the application from its lock file and build it, once."""
    marker = APP / "node_modules" / ".package-lock.json"
    if not marker.is_file() or marker.stat().st_mtime < (APP / "package-lock.json").stat().st_mtime:
        npm("ci", "--no-audit", "--no-fund", "--ignore-scripts")
        os.utime(marker)
    server = APP / "dist" / "server.js"
    if not server.is_file() or server.stat().st_mtime < newest(APP, "*.ts", "lib/*.ts", "app/**/*.ts", "package.json"):
        npm("run", "build")
    return APP / "harness.toml"


def npm(*words: str) -> None:
    done = subprocess.run(["npm", *words], cwd=APP, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0 and "registry" in done.stderr:
        pytest.skip(f"its packages cannot be installed: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def results(built: Path) -> dict[str, Result]:
    live = load_live(str(built), SPEED)
    live = replace(live, settings=replace(live.settings, patience_s=PATIENCE_S))
    pairs = [(scenario, live) for scenario in catalogue.select([*SCENARIOS, *BESIDE_LIMITS])]
    return {result.scenario: result for result in run_pairs(pairs, 1, workers_for([live]))}


def test_fifty_scenarios_find_exactly_its_real_flaws(results: dict[str, Result]) -> None:
    found, expected = {}, {}
    for scenario in catalogue.select(SCENARIOS):
        adds, spares, _ = DIFFERENCES.get(scenario.name, (set(), set(), ""))
        reference = set(run(scenario, resolve("synchronous"), keep_journal=False).violated)
        assert spares <= reference
        assert not adds & reference
        found[scenario.name] = sorted(results[scenario.name].violated)
        expected[scenario.name] = sorted((reference - spares) | adds)
    assert len(found) > 50
    assert found == expected


def test_every_difference_from_the_strategy_is_explained() -> None:
    assert set(DIFFERENCES) <= set(SCENARIOS)
    for adds, spares, why in DIFFERENCES.values():
        assert adds | spares
        assert why


def test_only_what_a_busy_machine_leaves_undecided_beside_a_limit_is_inconclusive(results: dict[str, Result]) -> None:
    unknown = {name: result for name, result in results.items() if result.unknown}
    assert set(unknown) <= {scenario.name for scenario in catalogue.select(BESIDE_LIMITS)}
    for result in unknown.values():
        assert "undecided" in result.verdicts[0].reason


def test_a_picture_behind_redirects_is_found_without_leaving_the_machine(results: dict[str, Result]) -> None:
    assert [track.outcome for track in results["media/redirect-chain"].metrics.tracks] == ["2k"]


def test_no_verdict_differs_from_speed_1(results: dict[str, Result]) -> None:
    at_speed_1 = yaml.safe_load(AT_SPEED_1.read_text("utf-8"))
    played = set(at_speed_1) & set(results)
    assert len(played) == 8
    played = {name for name in played if not results[name].unknown}
    assert len(played) >= 5
    assert {name: sorted(results[name].violated) for name in played} == {name: at_speed_1[name] for name in played}
