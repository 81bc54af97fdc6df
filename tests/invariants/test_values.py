"""Values that are legal and unusual: a column or a statement that does not take them is seen."""

import pytest

from harness.fakes.suno.contract import TITLE_LONGEST
from harness.scenario.catalogue import select
from tests.invariants.stage import broken, played

CASES = [
    ("baseline/healthy", "CountsWholeSeconds"),
    ("values/title-of-80-characters", "HasShortTitles"),
    ("values/title-of-80-characters", "HasTitlesOf80Bytes"),
    ("values/title-with-emoji-and-quotes", "PutsSqlTogether"),
    ("values/task-ids-as-uuids", "TakesTaskIdsOf32Characters"),
    ("values/task-ids-with-prefix", "TakesTaskIdsOf32Characters"),
    ("values/task-ids-with-prefix", "TakesTaskIdsForUuids"),
]
SCENARIOS = sorted({scenario for scenario, _ in CASES})


@pytest.mark.parametrize(("scenario", "application"), CASES)
def test_a_column_that_is_too_narrow_is_seen(scenario: str, application: str) -> None:
    result = played(application, select([scenario])[0])
    assert {"callback-answered", "audio-kept"} <= {*result.violated}, [v.reason for v in result.verdicts]


@pytest.mark.parametrize(("scenario", "application"), CASES)
def test_it_is_only_seen_where_the_values_are_unusual(scenario: str, application: str) -> None:
    ordinary = "baseline/healthy"
    if scenario != ordinary:
        assert broken(played(application, select([ordinary])[0])) == ()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_application_that_takes_every_legal_value_is_silent(scenario: str) -> None:
    result = played("KeepsSongs", select([scenario])[0])
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.unknown == ()


def test_the_long_title_is_as_long_as_a_title_may_be() -> None:
    (scenario,) = select(["values/title-of-80-characters"])
    assert scenario.title is not None
    assert len(scenario.title) == TITLE_LONGEST
