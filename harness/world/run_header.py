"""The first event of a journal: all the circumstances of a run that the verdicts depend on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random

from harness.config.environment import Surroundings
from harness.scenario.model import Scenario
from harness.trace.events import RunBegan, RunEnded, RunRefused
from harness.trace.journal import Journal
from harness.world.hosts import APPLICATION_HOST, MEDIA_HOSTS, PROVIDER_HOSTS


def beginning(
    scenario: Scenario, implementation: str, seed: int, secrets: Sequence[str | None], *, files_at: Sequence[str] = ()
) -> RunBegan:
    """Return the first event of a simulated run. `files_at` lists further hosts that serve the providers' files."""
    platform = scenario.platform
    return RunBegan(
        scenario=scenario.name,
        implementation=implementation,
        seed=seed,
        tracks=scenario.tracks,
        deadline_s=scenario.deadline_s,
        signing=scenario.signing,
        signing_ahead_s=scenario.script.suno.delivery.signing.ahead_s or None,
        limit_s=platform.limit_s,
        freezes=platform.stops_between_requests,
        delivery_answer_within_s=scenario.script.suno.delivery.answer_within_s,
        secrets=[secret for secret in secrets if secret],
        hosts={
            "app": [APPLICATION_HOST],
            "providers": [*PROVIDER_HOSTS],
            "media": [*MEDIA_HOSTS, *files_at],
        },
        impossible=dict(scenario.impossible),
    )


def surrounded(began: RunBegan, environment: Mapping[str, str], surroundings: Surroundings) -> RunBegan:
    """Return the event with the surroundings of an application that the harness starts."""
    zone, language = environment["TZ"], environment["LC_ALL"]
    return replace(began, timezone=zone, language=language, clean_environment=surroundings.is_clean or None)


@lru_cache(maxsize=16)
def keys(seed: int) -> tuple[str, str]:
    """Return the implementation's API key, and the key that signs callbacks."""
    drawn = Random(f"keys {seed}")
    return f"key-{drawn.getrandbits(96):024x}", f"whsec-{drawn.getrandbits(96):024x}"


def refused_journal(
    scenario: Scenario, implementation: str, seed: int, why: str, journal: Journal | None = None
) -> Journal:
    """Return the journal of a run that came to nothing, or `journal` as far as it came, ended as refused."""
    ended = Journal() if journal is None else journal
    if not ended.entries:
        api_key, signing_key = keys(seed)
        secrets = (api_key, signing_key if scenario.signing else None)
        ended.record(0.0, 0, beginning(scenario, implementation, seed, secrets))
    at_s = ended.entries[-1].at_s
    ended.record(at_s, 0, RunRefused(sentence=why))
    if not ended.of(RunEnded):
        ended.record(at_s, 0, RunEnded(ending="refused", unanswered=[], waiting=[]))
    return ended
