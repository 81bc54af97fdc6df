"""The catalogue: the scenarios that a selector matches, and their order."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError, UnknownNameError
from harness.fakes.image_defects import FLAWS
from harness.faults.registry import FAULTS
from harness.scenario.catalogue import GROUPS, files, select, shipped_names, shipped_root
from tests.promised_scenarios import PROMISED


def names(*selectors: str) -> list[str]:
    return [scenario.name for scenario in select(selectors)]


def written(path: Path, why: str = "it is here to be found") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"why: {why}\n")
    return path


def test_without_selectors_all_shipped_scenarios_are_selected() -> None:
    assert names() == shipped_names()
    assert len(shipped_names()) >= 150


def test_groups_come_in_the_order_of_the_catalogue() -> None:
    groups = list(dict.fromkeys(name.partition("/")[0] for name in names()))
    assert tuple(groups) == GROUPS


def test_numbers_in_names_are_ordered_by_their_value() -> None:
    found = [name for name in names("slow") if name.endswith("s") and name[len("slow/image-")].isdigit()]
    assert found == [f"slow/image-{seconds}s" for seconds in (5, 14, 16, 30, 59, 61, 74, 76, 299, 301)]


def test_a_shipped_scenario_is_selected_by_name() -> None:
    (scenario,) = select(["slow/image-16s"])
    assert scenario.name == "slow/image-16s"
    assert scenario.path is not None
    assert Path(scenario.path).resolve() == (shipped_root() / "slow" / "image-16s.yaml").resolve()


def test_a_group_selects_all_of_its_scenarios() -> None:
    assert names("drift") == [name for name in shipped_names() if name.startswith("drift/")]
    assert names("drift/") == names("drift")


def test_a_pattern_is_matched_against_names() -> None:
    found = names("*/image-*")
    assert found == [name for name in shipped_names() if name.partition("/")[2].startswith("image-")]
    assert len({name.partition("/")[0] for name in found}) > 1
    assert names("slow/*") == names("slow")


def test_selectors_keep_their_order_and_select_each_scenario_once() -> None:
    assert names("slow/image-16s", "baseline/healthy", "slow/image-1*s") == [
        "slow/image-16s",
        "baseline/healthy",
        "slow/image-14s",
    ]


def test_a_file_is_selected_by_path(tmp_path: Path) -> None:
    assert names(str(written(tmp_path / "mine" / "odd.yaml"))) == ["mine/odd"]


def test_a_shipped_file_given_by_path_is_the_shipped_scenario() -> None:
    file = str(shipped_root() / "slow" / "image-16s.yaml")
    assert names(file, "slow/image-16s") == ["slow/image-16s"]


def test_a_folder_selects_the_files_below_it_except_hidden_ones(tmp_path: Path) -> None:
    written(tmp_path / "b" / "wait-14s.yml")
    written(tmp_path / "b" / "wait-5s.yaml")
    written(tmp_path / "a" / "deep" / "one.yaml")
    written(tmp_path / ".hidden" / "two.yaml")
    (tmp_path / "b" / "notes.txt").write_text("not a scenario")
    assert names(str(tmp_path)) == ["deep/one", "b/wait-5s", "b/wait-14s"]


def test_a_folder_without_scenarios_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"expected scenario files \(\*\.yaml, \*\.yml\), found none$"):
        select([str(tmp_path)])


@pytest.mark.parametrize(
    ("selector", "nearest"),
    [("slow/image-16", "slow/image-16s"), ("sloww", "slow"), ("baseline/helthy", "baseline/healthy")],
)
def test_an_unknown_name_is_reported_with_the_nearest(selector: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        select([selector])
    assert str(caught.value) == f'unknown scenario "{selector}"; did you mean "{nearest}"?'


def test_a_pattern_without_a_match_and_an_empty_selector_are_unknown() -> None:
    for selector in ("zzz/*", ""):
        with pytest.raises(UnknownNameError):
            select([selector])


def test_a_missing_file_is_reported_as_a_file() -> None:
    with pytest.raises(ScenarioError, match=r"^nowhere/x\.yaml: there is no such file$"):
        select(["nowhere/x.yaml"])


def test_files_are_listed_without_being_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("tracks: none")
    assert files([str(tmp_path), str(broken)]) == [broken]
    assert len(files([])) == len(shipped_names())


@pytest.mark.parametrize(("phrase", "name", "path", "value"), PROMISED, ids=[phrase for phrase, *_ in PROMISED])
def test_every_required_case_has_its_scenario(phrase: str, name: str, path: str, value: Any) -> None:
    (scenario,) = select([name])
    found: Any = scenario
    for step in path.split("."):
        if step in ("suno", "kie", "media"):
            found = scenario.script
        found = found[int(step)] if step.isdigit() else getattr(found, step)
    if isinstance(found, tuple) and isinstance(value, int):
        found = len(found)
    assert found == value, f"{name} is not: {phrase}"


def test_every_fault_is_used_by_a_scenario() -> None:
    used = {fault.fault.name for scenario in select([]) for fault in scenario.faults}
    assert used == set(FAULTS)


def test_every_flaw_of_a_picture_is_used_by_a_scenario() -> None:
    shown = {image.picture.flaw for scenario in select([]) for image in scenario.script.kie.images}
    assert set(FLAWS) <= shown


def test_a_why_is_two_sentences_of_limited_length() -> None:
    """Each says what happens and what goes wrong."""
    for scenario in select([]):
        assert scenario.why.endswith((".", "?")), scenario.name
        assert scenario.why.count(". ") + scenario.why.count("; ") + scenario.why.count(": ") >= 1, scenario.name
        assert 12 <= len(scenario.why.split()) <= 60, scenario.name
