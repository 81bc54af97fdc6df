"""Runs for reports: a few real ones, made once per process, and synthetic ones with hostile texts."""

from functools import lru_cache

from harness.engine.run import resolve
from harness.engine.session import results_of, stored_run
from harness.invariants.metrics import Metrics, TrackMetrics
from harness.invariants.verdict import Verdict
from harness.results.archive import Results
from harness.results.archive_file import packed_run
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.trace.journal import Journal, entry_of

SCENARIOS = ("baseline/healthy", "slow/image-16s", "slow/image-never", "callbacks/forgery-unsigned")
STRATEGIES = ("synchronous", "polling", "acknowledge-first")


@lru_cache(maxsize=1)
def real_results() -> Results:
    """Four scenarios by three strategies."""
    scenarios = catalogue.select(SCENARIOS)
    runs = [stored_run(scenario, resolve(name), 1) for scenario in scenarios for name in STRATEGIES]
    return results_of(scenarios, STRATEGIES, 1, runs)


def made_up_result(scenario: str = "made/up", implementation: str = "shop:app", text: str = "a line") -> Result:
    """A run with one track, a log line and a violation, all of them saying `text`."""
    began = {
        "scenario": scenario,
        "implementation": implementation,
        "seed": 1,
        "tracks": 1,
        "deadline_s": 600.0,
        "hosts": {"app": ["app.test"], "providers": ["api.kie.ai", "api.sunoapi.org"], "media": ["files.test"]},
        "secrets": ["key-0123456789abcdef"],
    }
    asked = {
        "by": "app.test",
        "host": "api.kie.ai",
        "scheme": "http",
        "link": "kie",
        "method": "POST",
        "path": f"/api/v1/generate/image?token=abc&text={text}",
        "headers": {"authorization": "Bearer key-0123456789abcdef", "cookie": "session=1", "x-note": text},
        "body": {"prompt": text, "api_key": "another", "nested": [{"note": "my key-0123456789abcdef here"}]},
    }
    answer = {"request": 2, "outcome": "answered", "status": 200, "latency_s": 1.5, "headers": {}, "body": text}
    fields = {"id": "1", "title": text, "status": "failed", "failure_reason": text, "image_url": None}
    entries = [
        entry_of(1, 0.0, "run.began", 0, began),
        entry_of(2, 1.0, "request", 0, asked),
        entry_of(3, 2.5, "response", 2, answer),
        entry_of(4, 3.0, "log", 2, {"level": "error", "logger": "shop", "text": text}),
        entry_of(5, 4.0, "run.ended", 0, {"ending": "quiescent", "unanswered": [], "waiting": []}),
        entry_of(6, 4.0, "track.final", 0, {"track": 1, "id": "1", "source": "sqlite", "fields": fields}),
    ]
    return Result(
        scenario=scenario,
        implementation=implementation,
        seed=1,
        verdicts=(Verdict("failure-visible", "violated", text, (2, 4)), Verdict("settles", "held", "it has", ())),
        metrics=Metrics((TrackMetrics("none", None),), (1.5,), 0, 1, 1, 5),
        tracks=(fields,),
        ending="quiescent",
        simulated_s=4.0,
        wall_s=0.1,
        journal=Journal(entries),
    )


def made_up_results(text: str = "a line", scenario: str = "made/up", implementation: str = "shop:app") -> Results:
    """Results of that one run; `why` says `text`, too."""
    result = made_up_result(scenario, implementation, text)
    return results_of([Scenario(scenario, text)], [implementation], 1, [packed_run(result)])
