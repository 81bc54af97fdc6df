"""The bench as one HTML page that makes no network requests: distributions, outcomes, costs, and the Pareto front.

It shares style and drawing functions with the report on runs; bench.js and bench.css beside this file contain what only
the bench needs. Every figure in text is computed in Python and exact; the curves are drawn through about a hundred
points.
"""

from pathlib import Path
from typing import Any

from harness.bench.figures import LIMITS_S, TIMES, Bench, Figures, Times, difference
from harness.bench.json_format import FORMAT
from harness.bench.statistics import QUANTILES, Estimate
from harness.bench.table import around, percent, seconds
from harness.report import html as report
from harness.report.html.overview import DELIVERY_LIMIT_S, OUTCOMES, PLATFORM_LIMITS_S
from harness.strategies.registry import STRATEGIES

REPORT_SCRIPTS = ("page", "words", "charts")
POINTS = 160
_HERE = Path(__file__).parent
_REPORT = Path(report.__file__).parent


def page(bench: Bench, reference: str) -> bytes:
    """Return the whole page."""
    scripts = [_REPORT / f"{name}.js" for name in REPORT_SCRIPTS] + [_HERE / "bench.js"]
    return report.filled(
        _text(_HERE / "bench.html"),
        title=f"{bench.plan.tracks:,} tracks, model {bench.plan.model.name}",
        style=_text(_REPORT / "page.css", _HERE / "bench.css"),
        script='"use strict";\n' + _text(*scripts),
        overview=overview(bench, reference),
    )


def overview(bench: Bench, reference: str) -> dict[str, Any]:
    """Return the data that the page draws, under the names that the report's charts expect."""
    plan = bench.plan
    return {
        "invariants": [],
        "outcomes": [[name, reported] for name, reported in OUTCOMES.items()],
        "limits_s": {"delivery": DELIVERY_LIMIT_S, "platforms": list(PLATFORM_LIMITS_S)},
        "implementations": [_strategy(bench, figures, reference) for figures in bench.figures],
        "plan": [
            ["tracks for each strategy", f"{plan.tracks:,}"],
            ["model", plan.model.name],
            ["", plan.model.sentence],
            ["arrivals a minute, Poisson", f"{plan.per_minute:g}"],
            ["seed", str(plan.seed)],
        ],
        "sources": [list(source) for source in plan.model.sources],
        "reference": reference,
        "json": FORMAT,
    }


def _strategy(bench: Bench, figures: Figures, reference: str) -> dict[str, Any]:
    known = STRATEGIES.get(figures.name)
    late = figures.picture.quantile(QUANTILES["p95"]).value
    return {
        "name": figures.name,
        "sentence": known.sentence if known else "",
        "tracks": len(figures.records),
        "outcomes": dict(figures.outcomes),
        "cost": figures.cost.value,
        "generations": sum(record.generations for record in figures.records),
        "curves": {what: _curve(figures.times(what), what) for what in TIMES},
        "notes": {"answer": _answer_note(figures), "picture": _picture_note(figures), "wish": _wish_note(figures)},
        "share": figures.share_2k.value,
        "late_s": late,
        "front": figures.name in bench.front,
        "behind": list(bench.dominated_by[figures.name]),
        "rows": _rows(figures),
        "differences": _differences(bench, figures, reference),
    }


def _curve(times: Times, what: str) -> list[list[float]]:
    """Return [seconds, share of all finished by then] for about a hundred of the values and the very last."""
    values, total = times.values, len(times.values) + times.missing
    if not values:
        return []
    places = sorted({round(point * (len(values) - 1) / POINTS) for point in range(POINTS + 1)} | _tail(len(values)))
    return [[values[place], round((place + 1) / total, 6)] for place in places]


def _tail(count: int) -> set[int]:
    return {max(0, count - 1 - step) for step in (0, 1, 3, 10, 30)}


def _answer_note(figures: Figures) -> str:
    return f"{percent(figures.answered_within(DELIVERY_LIMIT_S).value)} within {DELIVERY_LIMIT_S} s · p95 " + _point(
        figures.answer, "p95"
    )


def _picture_note(figures: Figures) -> str:
    share, times = percent(figures.share_2k.value), figures.picture
    return f"{share} · p50 {_point(times, 'p50')} · p95 {_point(times, 'p95')}"


def _wish_note(figures: Figures) -> str:
    return f"p50 {_point(figures.wish, 'p50')} · p95 {_point(figures.wish, 'p95')}"


def _point(times: Times, name: str) -> str:
    value = times.quantile(QUANTILES[name]).value
    return "–" if value is None else f"{seconds(value)} s"


def _rows(figures: Figures) -> list[list[str]]:
    """Return [what, value, interval] for the table of all figures."""
    rows = []
    for what in TIMES:
        times = figures.times(what)
        for name, share in QUANTILES.items():
            estimate = times.quantile(share)
            rows.append([f"{what} {name}", _seconds(estimate.value), around(estimate)])
        rows.append([f"{what} max", _seconds(times.greatest), ""])
    for limit_s in LIMITS_S:
        rows.append([f"answered within {limit_s} s", *_share(figures.answered_within(limit_s))])
    rows.append(["true 2K picture", *_share(figures.share_2k)])
    rows.append(["generations per 2K picture", *_cost(figures.cost)])
    rows.append(["credits per 2K picture", *_cost(figures.credits)])
    return rows


def _differences(bench: Bench, figures: Figures, reference: str) -> list[list[str]]:
    if figures.name == reference:
        return []
    found = difference(figures, bench.of(reference))
    return [
        ["2K, points", *_signed(found.share_2k, 100)],
        ["answer, median", *_signed(found.answer, 1)],
        ["picture, median", *_signed(found.picture, 1)],
    ]


def _signed(estimate: Estimate, scale: float) -> list[str]:
    if estimate.value is None:
        return ["–", ""]
    low, high = (None if each is None else each * scale for each in (estimate.low, estimate.high))
    interval = "" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"
    return [f"{estimate.value * scale:+.2f}", interval]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{seconds(value)} s"


def _share(estimate: Estimate) -> list[str]:
    interval = "" if estimate.low is None else f"{percent(estimate.low)} – {percent(estimate.high)}"
    return [percent(estimate.value), interval]


def _cost(estimate: Estimate) -> list[str]:
    if estimate.value is None:
        return ["–", ""]
    interval = "" if estimate.low is None else f"{estimate.low:.3f} – {estimate.high:.3f}"
    return [f"{estimate.value:.3f}", interval]


def _text(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
