"""The first event of a journal: all the circumstances of a run that the verdicts depend on."""

from collections.abc import Sequence

from harness.scenario.model import Scenario
from harness.trace.events import RunBegan
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
        limit_s=platform.limit_s,
        freezes=platform.freezes_after_answer,
        delivery_answer_within_s=scenario.script.suno.delivery.answer_within_s,
        secrets=[secret for secret in secrets if secret],
        hosts={
            "app": [APPLICATION_HOST],
            "providers": [*PROVIDER_HOSTS],
            "media": [*MEDIA_HOSTS, *files_at],
        },
        impossible=dict(scenario.impossible),
    )
