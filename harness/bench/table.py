"""The bench as terminal tables, eighty columns wide."""

import math
from collections.abc import Sequence
from dataclasses import fields

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.bench.figures import DELIVERY_LIMIT_S, LIMITS_S, Bench, Figures, difference, is_cost, is_share
from harness.bench.json_format import Baseline, FigureChange
from harness.bench.models import KINDS, Model
from harness.bench.sampling import Latency, Samples, quantile_s
from harness.bench.statistics import QUANTILES, Estimate
from harness.fakes.latency import Bimodal, Fixed, Lognormal, Never, Uniform

NOTHING = "–"
CHANGES_MAX = 40
NAME_MAX = 19
SHARES = [each.name for each in fields(Model) if each.type is float]


def seconds(value: float | None) -> str:
    """Return `0.28`, `21.4` or `308`: three digits, without the unit."""
    if value is None or math.isinf(value):
        return NOTHING
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def row_name(name: str) -> str:
    """Return a name short enough for a table of eighty columns; of a long one the end is kept, which is more
    specific."""
    return name if len(name) <= NAME_MAX else f"…{name[1 - NAME_MAX :]}"


def percent(share: float | None) -> str:
    """Return `97.1 %`; rounds neither up to 100 % nor down to 0 %."""
    if share is None:
        return NOTHING
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    return f"{min(max(share * 100, 0.1), 99.9):.1f} %"


def around(estimate: Estimate) -> str:
    """Return the interval as ` 20.6–21.2`, open-ended if the values do not bound it."""
    if estimate.value is None:
        return ""
    return f"{seconds(estimate.low)}–{'' if estimate.high is None else seconds(estimate.high)}"


def report(bench: Bench, reference: str) -> RenderableType:
    """Return all tables."""
    plan = bench.plan
    head = Text.assemble(
        (f"{plan.tracks:,} tracks", "bold"),
        f" for each strategy, model {plan.model.name}, {plan.per_minute:g} arrivals a minute, seed {plan.seed}",
    )
    parts: list[RenderableType] = [
        head,
        _times(bench, "answer", 'Time until the "complete" callback is answered'),
        _times(bench, "picture", "Time from finished music to a true 2K picture on the track"),
        _limits(bench),
        _delivered(bench),
    ]
    if len(bench.figures) > 1:
        parts.append(_differences(bench, reference))
    parts += _remarks(bench)
    return Group(*parts)


def table(title: str | None, columns: Sequence[str]) -> Table:
    """Return an empty table whose first column is for names and the others for numbers."""
    empty = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
        title=title,
        title_justify="left",
        title_style="bold",
    )
    empty.add_column("", no_wrap=True, overflow="ellipsis")
    for name in columns:
        empty.add_column(name, justify="right", no_wrap=True)
    return empty


def _times(bench: Bench, what: str, title: str) -> Table:
    rows = table(f"{title}, in s", ["p50", "p90", "p95", "p99", "95 % sure", "p99.9", "max"])
    late = DELIVERY_LIMIT_S if what == "answer" else math.inf
    for figures in bench.figures:
        times = figures.times(what)
        *early, p99, p999 = (times.quantile(share) for share in QUANTILES.values())
        rows.add_row(
            row_name(figures.name),
            *(Text(seconds(each.value), style="red" if (each.value or 0) > late else "") for each in (*early, p99)),
            Text(around(p99), style="dim"),
            seconds(p999.value),
            seconds(times.greatest),
        )
    return rows


def _limits(bench: Bench) -> Table:
    rows = table(
        "Callbacks answered within", [*(f"{limit_s} s" for limit_s in LIMITS_S), f"{DELIVERY_LIMIT_S} s, 95 % sure"]
    )
    for figures in bench.figures:
        found = {limit_s: figures.answered_within(limit_s) for limit_s in LIMITS_S}
        sure = found[DELIVERY_LIMIT_S]
        rows.add_row(
            row_name(figures.name),
            *(Text(percent(each.value), style="" if each.value == 1 else "yellow") for each in found.values()),
            Text(_shares(sure), style="dim"),
        )
    return rows


def _shares(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{_bound(estimate.low)}–{_bound(estimate.high)} %"


def _bound(share: float) -> str:
    """Return `96.4`, with another digit if one would round to 0 or 100."""
    if share in (0.0, 1.0):
        return f"{share * 100:.0f}"
    return f"{share * 100:.1f}" if 0.0005 <= share < 0.9995 else f"{min(max(share * 100, 0.01), 99.99):.2f}"


def _delivered(bench: Bench) -> Table:
    rows = table(
        "Tracks that end with a true 2K picture, and their cost",
        ["share", "95 % sure", "generations", "credits", "front"],
    )
    for figures in bench.figures:
        rows.add_row(
            row_name(figures.name),
            percent(figures.share_2k.value),
            Text(_shares(figures.share_2k), style="dim"),
            _cost(figures.cost),
            NOTHING if figures.credits.value is None else f"{figures.credits.value:.2f}",
            Text("★" if figures.name in bench.front else "", style="green"),
        )
    return rows


def _cost(estimate: Estimate) -> str:
    if estimate.value is None:
        return NOTHING
    reach = 0.0 if estimate.high is None else estimate.high - estimate.value
    return f"{estimate.value:.3f} ±{reach:.3f}"


def _differences(bench: Bench, reference: str) -> Table:
    rows = table(
        f"Difference from {reference} on the same tracks, medians",
        ["2K, points", "answer, s", "picture, s", "later", "sooner"],
    )
    for figures in bench.figures:
        if figures.name == reference:
            continue
        found = difference(figures, bench.of(reference))
        rows.add_row(
            row_name(figures.name),
            _signed(found.share_2k, 100, 2),
            _signed(found.answer, 1, 2),
            _signed(found.picture, 1, 2),
            str(found.slower) if found.pairs else NOTHING,
            str(found.faster) if found.pairs else NOTHING,
        )
    return rows


def _signed(estimate: Estimate, scale: float, digits: int) -> str:
    if estimate.value is None:
        return NOTHING
    value = estimate.value * scale
    if estimate.low is None or estimate.high is None:
        return f"{value:+.{digits}f}"
    return (
        f"{value:+.{digits}f} ±{max(estimate.high - estimate.value, estimate.value - estimate.low) * scale:.{digits}f}"
    )


def _remarks(bench: Bench) -> list[Text]:
    lines = [
        "★ on the Pareto front: none is better in share of 2K, p95 of the picture, cost or answers within 15 s without "
        "being worse in another of them. "
        "95 % intervals: order statistics for times (of p99), Wilson for shares, linearisation for costs (±), paired "
        "tracks for differences (±)."
    ]
    for figures in bench.figures:
        lines += _oddities(figures)
    return [Text(line, style="dim") for line in lines]


def _oddities(figures: Figures) -> list[str]:
    reported = []
    if figures.answer.missing:
        reported.append(f"{figures.name} never answered {figures.answer.missing} callbacks.")
    if figures.throttled:
        reported.append(
            f"{figures.name} was throttled {figures.throttled} times: it exceeded the providers' rate limit."
        )
    if figures.strangers:
        reported.append(f"{figures.name} requested {figures.strangers} pictures that could not be matched to a track.")
    if figures.broken_contracts:
        reported.append(f"{figures.name} sent {figures.broken_contracts} requests that violate a provider's contract.")
    return reported


def changes(found: Sequence[FigureChange], baseline: Baseline, same: bool) -> RenderableType:
    """Return the table of figures that differ from the baseline."""
    how = "same draws: every change is real" if same else "different draws: ● marks changes beyond noise"
    if not found:
        return Text(f"No figure has changed since {baseline.path}.", style="green")
    head = Text.assemble((f"Changed since {baseline.path}", "bold"), f" ({how})")
    rows = table(None, ["figure", "before", "now", ""])
    shown = sorted(found, key=lambda each: not each.beyond_noise)[:CHANGES_MAX]
    for change in shown:
        rows.add_row(
            row_name(change.strategy),
            change.metric,
            _plain(change.metric, change.before.value),
            _plain(change.metric, change.now.value),
            Text("●" if change.beyond_noise else "", style="yellow"),
        )
    rest = len(found) - len(shown)
    return Group(head, rows, *([Text(f"and {rest} more", style="dim")] if rest > 0 else []))


def _plain(metric: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    if is_share(metric):
        return percent(value)
    return f"{value:.3f}" if is_cost(metric) else f"{seconds(value)} s"


def value_text(metric: str, value: float) -> str:
    """Return a figure as text for a message about a threshold."""
    return "nothing" if math.isinf(value) else _plain(metric, value)


# Models


def models(known: Sequence[Model]) -> RenderableType:
    """Return every model with its figures and their sources."""
    parts: list[RenderableType] = []
    for model in known:
        parts.append(Text.assemble((model.name, "bold"), f"  {model.sentence}"))
        rows = table(None, ["time", "p50", "p95", "p99"])
        for what in KINDS:
            latency: Latency = getattr(model, what)
            points = [f"{seconds(quantile_s(latency, share))} s" for share in (0.5, 0.95, 0.99)]
            rows.add_row(what, _form(latency), *points)
        shares = ", ".join(f"{name.replace('_', ' ')} {getattr(model, name) * 100:g} %" for name in SHARES)
        parts += [rows, Text(shares)]
        parts += [Text.assemble((f"{what}: ", "dim"), (source, "dim")) for what, source in model.sources]
        parts.append(Text(""))
    return Group(*parts)


def _form(latency: Latency) -> str:
    match latency:
        case Fixed(value):
            return f"always {value:g} s"
        case Never():
            return "never"
        case Uniform(low_s, high_s):
            return f"{low_s:g} to {high_s:g} s"
        case Lognormal(median_s, p95_s):
            return f"lognormal {median_s:g}/{p95_s:g}"
        case Bimodal(usually, sometimes, share):
            return f"{_form(usually)}, {share:.0%} {_form(sometimes)}"
        case Samples(values):
            return f"{len(values)} samples"
