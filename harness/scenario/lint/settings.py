"""Settings of the account, the deliveries, the platform and the tracks that have no effect."""

from collections.abc import Iterator

from harness.scenario.lint.finding import Finding
from harness.scenario.model import Scenario
from harness.scenario.platform import Platform
from harness.scenario.values import spelled


def settings_in_vain(scenario: Scenario) -> Iterator[Finding]:
    """Yield the settings that have no effect."""
    yield from _shared_account(scenario)
    yield from _deliveries(scenario)
    yield from _strays(scenario)
    yield from _platform(scenario)
    if scenario.tracks == 1 and scenario.apart_s:
        yield Finding(("apart",), "has no effect with one track")


def _shared_account(scenario: Scenario) -> Iterator[Finding]:
    """Both providers share one account, so that the smaller of two balances counts."""
    suno, kie = scenario.script.suno, scenario.script.kie
    for key, of_suno, of_kie in (
        ("credits", suno.credits, kie.credits),
        ("key-quota", suno.key_quota, kie.key_quota),
    ):
        if of_suno is None or of_kie is None or of_suno == of_kie:
            continue
        larger, other = ("suno", "kie") if of_suno > of_kie else ("kie", "suno")
        yield Finding((larger, key), f"has no effect: both providers share one account, and {other}.{key} is lower")
    balances = [each for each in (suno.credits, kie.credits) if each is not None]
    for provider, quota in (("suno", suno.key_quota), ("kie", kie.key_quota)):
        if balances and quota is not None and quota >= min(balances):
            yield Finding((provider, "key-quota"), f"is never spent: the account has {min(balances)} credits")


def _deliveries(scenario: Scenario) -> Iterator[Finding]:
    for provider, script in (("suno", scenario.script.suno), ("kie", scenario.script.kie)):
        rules = script.delivery
        if rules.stops_at_4xx and not rules.retries_after_s:
            yield Finding((provider, "stops-at-4xx"), "has no effect without redeliveries")


def _strays(scenario: Scenario) -> Iterator[Finding]:
    for number, stray in enumerate(scenario.script.suno.strays):
        where = ("suno", "strays", number)
        if stray.after_s > scenario.deadline_s:
            yield Finding((*where, "after"), _too_late(scenario))
        if stray.forgery in ("stale", "altered") and not scenario.signing:
            yield Finding(
                (*where, "forgery"), f'"{stray.forgery}" is the same as "unsigned" without a key; add signing: true'
            )


def _platform(scenario: Scenario) -> Iterator[Finding]:
    platform = scenario.platform
    for number, at_s in enumerate(platform.restarts):
        if isinstance(at_s, float) and at_s > scenario.deadline_s:
            yield Finding(("platform", "restarts", number), _too_late(scenario))
    if platform.limit_s is not None and platform.limit_s > scenario.deadline_s:
        yield Finding(("platform", "answer-limit"), _too_late(scenario))
    if platform.sleeps_after_s is None and platform.cold_start_s:
        yield Finding(("platform", "cold-start"), "has no effect without sleeps-after:")
    if platform.cron_every_s == Platform().cron_every_s:
        return
    if platform.background_limit is None:
        yield Finding(("platform", "cron-every"), "has no effect without background-limit:")
    elif platform.cron_every_s > scenario.deadline_s:
        yield Finding(("platform", "cron-every"), _too_late(scenario))


def _too_late(scenario: Scenario) -> str:
    return f"the run ends before, at the deadline of {spelled(scenario.deadline_s)}"
