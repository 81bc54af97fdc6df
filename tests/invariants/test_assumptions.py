"""What applications assume of the providers' messages and files, against the captures: a shipped scenario shows it."""

import pytest

from harness.scenario.catalogue import select
from tests.invariants.stage import broken, played

HEALTHY, DOCUMENTED, HEAVY = "baseline/healthy", "drift/records-as-documented", "media/heavy-picture"
SEEDREAM_5 = "low-resolution/image-2736x1520-is-fine"
CASES = [
    (HEALTHY, "ComparesTheContentType", "callback-answered"),
    (HEALTHY, "TakesEveryItemForFinished", "audio-kept"),
    (HEALTHY, "ReadsTheInputAsAnObject", "settles"),
    (HEALTHY, "RequiresAnUpdateTime", "settles"),
    (HEALTHY, "TakesAnyResultForFinished", "generates-once"),
    (HEALTHY, "KnowsSizesByAddresses", "generates-once"),
    (HEALTHY, "TakesHeavyFilesForLarge", "generates-once"),
    (HEAVY, "TakesLightFilesOnly", "generates-once"),
    (SEEDREAM_5, "WantsTheExactRatio", "generates-once"),
]
JUSTIFIED = [
    (DOCUMENTED, "TakesEveryItemForFinished"),
    (DOCUMENTED, "RequiresAnUpdateTime"),
    (DOCUMENTED, "TakesAnyResultForFinished"),
    (HEAVY, "TakesHeavyFilesForLarge"),
    (HEALTHY, "TakesLightFilesOnly"),
    (HEALTHY, "WantsTheExactRatio"),
]
SILENT = [
    *((scenario, "PollsJobs") for scenario in (HEALTHY, DOCUMENTED, HEAVY)),
    *((scenario, "TakesTheFirstItemForFinished") for scenario in (HEALTHY, DOCUMENTED)),
    *((scenario, "TakesEveryFormat") for scenario in (HEALTHY, SEEDREAM_5)),
]


@pytest.mark.parametrize(("scenario", "application", "breaks"), CASES)
def test_an_assumption_is_seen(scenario: str, application: str, breaks: str) -> None:
    result = played(application, select([scenario])[0])
    assert breaks in result.violated, [(v.invariant, v.reason) for v in result.of("violated")]


@pytest.mark.parametrize(("scenario", "application"), JUSTIFIED)
def test_it_is_not_seen_where_it_is_true(scenario: str, application: str) -> None:
    assert broken(played(application, select([scenario])[0])) == ()


@pytest.mark.parametrize(("scenario", "application"), SILENT)
def test_an_application_without_assumptions_is_silent(scenario: str, application: str) -> None:
    result = played(application, select([scenario])[0])
    assert broken(result) == (), [(v.invariant, v.reason) for v in result.of("violated")]
    assert result.unknown == ()
