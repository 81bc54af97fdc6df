"""Thresholds: limits such as `answer.p99>15s` that make a bench fail if a strategy exceeds them.

    METRIC[@STRATEGY] OP VALUE

    METRIC    answer, picture or wish, with .p50 .p90 .p95 .p99 .p99.9 or .max: a time (p99 alone is answer.p99);
              within.10s .15s .60s .300s: share of callbacks answered within that time; 2k: share of tracks that end
              with a true 2K picture; cost, credits: the cost of each of those, in generations and credits
    STRATEGY  the strategy that it applies to; all in the bench if omitted
    OP        > >= < <=
    VALUE     times such as 800ms, 20s or 5m, shares such as 95% or 0.95, costs as plain numbers

A time without any values (no picture was delivered) is infinite, and so is the cost per picture without pictures.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.bench.figures import ESTIMATES, POINTS, Figures, is_cost, is_share
from harness.errors import HarnessError, UnknownNameError, nearest_hint
from harness.scenario.values import seconds

FORM = re.compile(r"\s*([\w.-]+?)\s*(?:@\s*(.+?)\s*)?(>=|<=|>|<)\s*(\S+)\s*")
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
EXAMPLES = "for example answer.p99>15s, picture.p95@synchronous>60s, within.15s<99%, 2k<90% or cost>1.3"


METRICS = {**ESTIMATES, **{name: ESTIMATES[f"answer.{name}"] for name in POINTS}}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold."""

    text: str
    metric: str
    strategy: str | None
    sign: str
    value: float

    def broken_by(self, figures: Sequence[Figures]) -> list[tuple[str, float]]:
        """Return (strategy, value) for each strategy that exceeds the threshold."""
        found = []
        for each in figures:
            if self.strategy in (None, each.name):
                known = METRICS[self.metric](each).value
                value = math.inf if known is None else known
                if COMPARE[self.sign](value, self.value):
                    found.append((each.name, value))
        return found


def read_threshold(text: str, strategies: Iterable[str]) -> Threshold:
    """Parse one threshold; raises HarnessError if it is invalid."""
    matched = FORM.fullmatch(text)
    if matched is None:
        raise HarnessError(f'--fail-if "{text}": expected METRIC[@STRATEGY] OP VALUE, {EXAMPLES}')
    name, strategy, sign, written = matched.groups()
    if name not in METRICS:
        hint = nearest_hint(name, METRICS)
        raise HarnessError(f'--fail-if "{text}": unknown metric "{name}"{hint}; {EXAMPLES}')
    names = list(strategies)
    if strategy is not None and strategy not in names:
        raise UnknownNameError("strategy in this bench", strategy, names, f' (--fail-if "{text}")')
    return Threshold(text, name, strategy, sign, _value(text, name, written))


def _value(text: str, name: str, written: str) -> float:
    expected = 'a duration such as "20s", "800ms" or "5m"'
    try:
        if is_share(name):
            expected = 'a share such as "95%" or "0.95"'
            value = float(written.removesuffix("%")) / (100 if "%" in written else 1)
        elif is_cost(name):
            expected = 'a number such as "1.3"'
            value = float(written)
        else:
            value = seconds(written)
        if not math.isfinite(value) or value < 0 or (is_share(name) and value > 1):
            raise ValueError
    except ValueError:
        raise HarnessError(f'--fail-if "{text}": expected {expected} for {name}, got "{written}"') from None
    return value
