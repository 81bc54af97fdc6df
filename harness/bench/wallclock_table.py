"""The times measured over sockets as a terminal table, eighty columns wide."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from harness.bench.statistics import median
from harness.bench.table import NOTHING, row_name, table
from harness.bench.wallclock import NULL, Reality, Timing, timing


def report(found: Sequence[Reality]) -> RenderableType:
    """Return a table with a row for each implementation, the null implementation first."""
    rows = table(
        "The code's own time over sockets, in ms, with providers that take no time",
        ("answer", "95 % sure", "MAD", "p95", "final", "CPU", "harness", "n"),
    )
    for each in found:
        answer, final = timing(each.answers_s), timing(each.settled_s)
        rows.add_row(
            row_name(each.name),
            _ms(answer.median.value),
            Text(_around(answer), style="dim"),
            _ms(answer.spread),
            _ms(answer.p95),
            _ms(final.median.value),
            _ms(each.cpu_s),
            _ms(median(each.own_cpu_s).value),
            str(each.rounds),
            style="dim" if each.name == NULL else "",
        )
    counts = [each.warm_ups for each in found]
    warm_ups = " to ".join(dict.fromkeys((str(min(counts)), str(max(counts)))))
    lines = [
        'answer: from the "complete" callback to its response; MAD: median absolute deviation; final: until the track '
        "was seen to be final (read every ms; a picture's callback comes 50 ms after it is finished); CPU, harness: "
        "CPU time for each track of the implementation's process and of the harness's. "
        f"{NULL} only makes the exchanges: its time is the share of harness and machine. The first {warm_ups} tracks "
        "were for warming up and are not counted."
    ]
    lines += [f"{each.name} left {each.unfinished} tracks unfinished." for each in found if each.unfinished]
    lines += [
        f"{each.name} left {each.without_picture} tracks without a picture, so its work for them is not in its times."
        for each in found
        if each.without_picture
    ]
    return Group(rows, *(Text(line, style="dim") for line in lines))


def _around(reported: Timing) -> str:
    low, high = reported.median.low, reported.median.high
    return NOTHING if low is None or high is None else f"{_ms(low)}–{_ms(high)}"


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"
