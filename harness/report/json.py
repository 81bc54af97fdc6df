"""Results as versioned JSON; `format` names the schema docs/reference/harness-results-1.schema.json."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.causes.cause import Cause
from harness.report.text import shown
from harness.results.archive import Results
from harness.results.comparison import Comparison, Summary
from harness.results.never_acted import idle_troubles
from harness.results.result import Result
from harness.terminal import inert

FORMAT = "harness-results/1"


def result_json(result: Result) -> dict[str, Any]:
    """Return one result as JSON."""
    return {
        "scenario": result.scenario,
        "implementation": result.implementation,
        "seed": result.seed,
        "ending": result.ending,
        "simulated_s": result.simulated_s,
        "wall_s": result.wall_s,
        "verdicts": [
            {
                "invariant": verdict.invariant,
                "state": verdict.state,
                "severity": verdict.severity,
                "reason": verdict.reason,
                "evidence": list(verdict.evidence),
            }
            for verdict in result.verdicts
        ],
        "causes": [cause_json(cause) for cause in result.causes],
        "never_acted": [each.as_facts() for each in result.never_acted],
        "tracks": [
            {"final": final, **dataclasses.asdict(metrics)}
            for final, metrics in zip(result.tracks, result.metrics.tracks, strict=False)
        ],
        "metrics": {
            "callback_answered_after_s": list(result.metrics.callback_answered_after_s),
            "callbacks_unanswered": result.metrics.callbacks_unanswered,
            "generations_requested": result.metrics.generations_requested,
            "generations_accepted": result.metrics.generations_accepted,
            "credits_spent": result.metrics.credits_spent,
        },
    }


def cause_json(cause: Cause) -> dict[str, Any]:
    """Return a cause as JSON."""
    return {
        "kind": cause.kind,
        "sentence": cause.sentence,
        "invariants": list(cause.invariants),
        "because": list(cause.because),
        "where": list(cause.where),
        "alike": cause.alike,
    }


def results_json(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """Return the JSON of `harness run --json` and `harness judge --json`."""
    return {"format": FORMAT, "seed": seed, "results": [result_json(result) for result in results]}


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON of `harness compare --json`: the results, and a summary for each implementation."""
    ordered = [
        comparison.results[scenario, implementation]
        for scenario in comparison.scenarios
        for implementation in comparison.implementations
    ]
    summaries = [_summary_json(comparison.summary(name)) for name in comparison.implementations]
    idle = [{**dataclasses.asdict(each), "in_no_run": each.in_no_run} for each in idle_troubles(ordered)]
    return {**results_json(ordered, comparison.seed), "summaries": summaries, "never_acted": idle}


def _summary_json(summary: Summary) -> dict[str, Any]:
    return {
        **dataclasses.asdict(summary),
        "share_2k": round(summary.share("2k"), 4),
        "share_without_picture": round(summary.share("none"), 4),
        "share_small_unlabelled": round(summary.share("small-unlabelled"), 4),
    }


def stored_json(results: Results) -> str:
    """Return the JSON of `harness report --json`, redacted: like `compare --json` if every pair was run, else like
    `run --json`."""
    clean = replace(results, runs=tuple(replace(run, result=shown(run)) for run in results.runs))
    comparison = clean.comparison()
    reported = (
        comparison_json(comparison)
        if comparison is not None
        else results_json([run.result for run in clean.runs], results.seed)
    )
    return inert(json.dumps(reported, indent=1, ensure_ascii=False)) + "\n"


def ndjson(results: Results) -> str:
    """Return a line for each run: its JSON, and the purpose of its scenario."""
    why = {scenario.name: scenario.why for scenario in results.scenarios}
    head = {"format": FORMAT, "harness": results.harness}
    lines = [{**head, "why": why[run.result.scenario], **result_json(shown(run))} for run in results.runs]
    return "".join(inert(json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
