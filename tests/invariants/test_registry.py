"""The registry: one value for each invariant, users' own beside them, and clear words about what is none."""

from pathlib import Path

import pytest

from harness.errors import PluginError, UnknownNameError
from harness.invariants.invariant import Invariant
from harness.invariants.judge import judge
from harness.invariants.registry import (
    INVARIANTS,
    named,
    plugin_invariants,
)
from harness.invariants.verdict import held, violated
from harness.trace.view import TraceView
from tests.invariants.chronicle import Chronicle

CHECKS = """
from harness.invariants.invariant import Invariant
from harness.invariants.verdict import held, violated


def never_two_covers(view):
    '''A track has one cover.

    The shop shows only the first.
    '''
    return held("one")


NEVER_THREE = Invariant(
    name="never-three-covers",
    sentence="A track has at most two covers.",
    severity="warning",
    consequence="shows too many covers",
    gravity=3,
    check=lambda view: violated("three"),
)
A_NUMBER = 7
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a module of checks, and others that cannot be imported."""
    (tmp_path / "shop_checks.py").write_text(CHECKS)
    (tmp_path / "shop_raises.py").write_text("1 / 0\n")
    (tmp_path / "shop_lacks.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def named_in_the_file(targets: list[str]) -> tuple[Invariant, ...]:
    """The invariants of a project whose harness.toml names these targets."""
    Path("harness.toml").write_text(f"[plugins]\ninvariants = {targets!r}\n")
    return plugin_invariants()


def test_every_shipped_invariant_is_one_value_with_a_sentence() -> None:
    assert len(INVARIANTS) == 28
    for name, invariant in INVARIANTS.items():
        assert invariant.name == name
        assert invariant.sentence.endswith(".")
        assert invariant.severity == "warning" or invariant.consequence
        assert invariant.habit


def test_the_gravest_invariants_come_in_one_order() -> None:
    grave = sorted((each for each in INVARIANTS.values() if each.gravity), key=lambda each: -each.gravity)
    assert [each.gravity for each in grave] == list(range(len(grave), 0, -1))
    assert [each.name for each in grave[:3]] == ["keeps-secrets", "fetches-safely", "rejects-forgery"]


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    assert named("settles") is INVARIANTS["settles"]
    with pytest.raises(UnknownNameError, match='unknown invariant "setles"; did you mean "settles"'):
        named("setles")


@pytest.mark.usefixtures("shop")
def test_a_users_own_invariants_are_named_by_module_and_attribute() -> None:
    function, value = named_in_the_file(["shop_checks:never_two_covers", "shop_checks:NEVER_THREE"])
    assert (function.name, function.sentence, function.severity) == (
        "never-two-covers",
        "A track has one cover.",
        "error",
    )
    assert (value.name, value.severity, value.gravity) == ("never-three-covers", "warning", 3)
    verdicts = judge(Chronicle().end(), own=[function, value])
    assert [(verdict.invariant, verdict.state, verdict.severity) for verdict in verdicts[-2:]] == [
        ("never-two-covers", "held", "error"),
        ("never-three-covers", "violated", "warning"),
    ]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("shop_checks", r'"shop_checks": expected module:NAME'),
        (":NAME", "expected module:NAME"),
        ("no_such_shop:NAME", 'no module "no_such_shop" in'),
        ("shop_checks:NEVER_THRE", r'has no "NEVER_THRE"; did you mean "NEVER_THREE"'),
        ("shop_checks:A_NUMBER", r"expected an Invariant or a function \(view\) -> Finding, found int"),
        ("shop_checks:Invariant", "expected an Invariant or a function"),
        ("shop_raises:NAME", "the module raises ZeroDivisionError on import: division by zero"),
        ("shop_lacks:NAME", '"shop_lacks" imports "a_package_that_is_not_there", which is not installed'),
    ],
)
def test_a_target_that_names_no_invariant_is_refused_with_the_reason(target: str, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        named_in_the_file([target])


@pytest.mark.usefixtures("shop")
def test_two_user_invariants_with_one_name_are_refused() -> None:
    (value,) = named_in_the_file(["shop_checks:NEVER_THREE"])
    other = Invariant(name=value.name, sentence="Another one.", check=lambda view: held("fine"))
    with pytest.raises(PluginError, match='two invariants are called "never-three-covers"'):
        judge(Chronicle().end(), own=[value, other])


def test_an_installed_package_adds_an_invariant_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "covers_checks.py").write_text(CHECKS)
    info = tmp_path / "covers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: covers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[harness.invariants]\nthree = covers_checks:NEVER_THREE\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert [each.name for each in plugin_invariants()] == ["never-three-covers"]


@pytest.mark.usefixtures("shop")
def test_a_shipped_name_is_taken() -> None:
    Path("shop_settles.py").write_text(CHECKS.replace("never-three-covers", "settles"))
    with pytest.raises(PluginError, match='already an invariant called "settles"'):
        named_in_the_file(["shop_settles:NEVER_THREE"])


def test_an_unknown_name_among_severities_or_switches_is_refused() -> None:
    journal = Chronicle().end()
    with pytest.raises(UnknownNameError, match='"image-2kk"; did you mean "image-2k"'):
        judge(journal, off=["image-2kk"])
    with pytest.raises(UnknownNameError, match='"setles"; did you mean "settles"'):
        judge(journal, severities={"setles": "warning"})
    with pytest.raises(UnknownNameError, match='unknown severity "warn"; did you mean "warning"'):
        judge(journal, severities={"settles": "warn"})  # type: ignore[dict-item]


def test_an_own_invariant_can_be_switched_off_and_made_milder() -> None:
    def never(view: TraceView) -> object:
        return violated("always")

    journal = Chronicle().end()
    own = [Invariant(name="never", sentence="Never.", check=never)]  # type: ignore[arg-type]
    assert judge(journal, own=own)[-1].severity == "error"
    assert judge(journal, own=own, severities={"never": "warning"})[-1].severity == "warning"
    assert "never" not in [verdict.invariant for verdict in judge(journal, own=own, off=["never"])]


def test_a_function_that_takes_the_place_of_a_shipped_invariant_keeps_its_severity() -> None:
    journal = Chronicle().end()
    verdicts = judge(journal, own={"keeps-rate": lambda view: held("fine")})
    (verdict,) = [each for each in verdicts if each.invariant == "keeps-rate"]
    assert (verdict.state, verdict.severity) == ("held", "warning")
