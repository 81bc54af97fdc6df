"""The speed of storing, reading and rendering reports of a whole catalogue, their sizes, and the page's loading time.

    pytest tests/benchmarks/test_report_speed.py --benchmark-enable

There are as many runs as in the whole catalogue, made of a few real scenarios under many names. `extra_info` has the
sizes; for the page in the browser, the times that the browser itself measured.
"""

import statistics
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from harness.engine.run import resolve, run
from harness.engine.session import results_of
from harness.report.html import page
from harness.results.archive import Results
from harness.results.archive_file import packed_run, read_results_from, write_results_to
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES
from tests.reports.browser import browser_program, browsing

SCENARIOS = 170
MADE_OF = ("baseline/healthy", "slow/image-16s", "failing/code-500-always", "callbacks/forgery-unsigned")
PAGE_BYTES_MAX = 15_000_000
GROUP = "reports of 1,360 runs"


@pytest.fixture(scope="module")
def results() -> Results:
    """Return every strategy's results of four scenarios, repeated under other names."""
    chosen = catalogue.select(MADE_OF)
    made = {(s.name, name): run(s, resolve(name), keep_pictures=True) for s in chosen for name in STRATEGIES}
    scenarios = [replace(chosen[n % len(chosen)], name=f"{chosen[n % len(chosen)].name}-{n}") for n in range(SCENARIOS)]
    runs = [
        packed_run(replace(made[scenario.name.rpartition("-")[0], name], scenario=scenario.name))
        for scenario in scenarios
        for name in STRATEGIES
    ]
    return results_of(scenarios, list(STRATEGIES), 1, runs)


@pytest.mark.benchmark(group=GROUP)
def test_storing(benchmark: Any, results: Results) -> None:
    def store() -> BytesIO:
        file = BytesIO()
        write_results_to(file, results)
        return file

    file = benchmark.pedantic(store, rounds=2)
    benchmark.extra_info["bytes"] = len(file.getvalue())


@pytest.mark.benchmark(group=GROUP)
def test_reading(benchmark: Any, results: Results) -> None:
    file = BytesIO()
    write_results_to(file, results)
    content = file.getvalue()
    read = benchmark.pedantic(lambda: read_results_from(BytesIO(content)), rounds=2)
    assert len(read.runs) == SCENARIOS * len(STRATEGIES)


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.timeout(240)
def test_making_the_page(benchmark: Any, results: Results) -> None:
    made = benchmark.pedantic(lambda: page(results), rounds=1)
    benchmark.extra_info["bytes"] = len(made)
    assert len(made) < PAGE_BYTES_MAX


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.timeout(240)
def test_opening_the_page(benchmark: Any, results: Results, tmp_path: Path) -> None:
    if browser_program() is None:
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    file = tmp_path / "report.html"
    file.write_bytes(page(results))
    (tmp_path / "profile").mkdir()
    with browsing(tmp_path / "profile") as tab:
        times: dict[str, list[float]] = {"drawn_ms": [], "loaded_ms": []}

        def empty() -> None:
            tab.call("Page.navigate", url="about:blank")

        def opened() -> None:
            tab.open(file.as_uri())
            drawn, loaded = tab.evaluate(
                "[performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null, "
                "performance.getEntriesByType('navigation')[0].loadEventEnd]"
            )
            times["loaded_ms"].append(loaded)
            if drawn is not None:
                times["drawn_ms"].append(drawn)

        benchmark.pedantic(opened, setup=empty, rounds=5)
        assert len(tab.evaluate("[...document.querySelectorAll('.matrix .cell-link')].map(() => 1)")) == (
            SCENARIOS * len(STRATEGIES)
        )
    benchmark.extra_info |= {name: round(statistics.median(values)) for name, values in times.items() if values}
