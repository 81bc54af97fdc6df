"""A scenario's name, found by typing a part of it."""

import pytest

from harness.cli.scenario_picker import Picker

NAMES = ["baseline/healthy", "slow/image-6s", "slow/image-16s", "slow/image-61s", "slow/image-600s-late"]


def pressed(keys: str) -> Picker:
    picker = Picker(NAMES)
    for key in keys:
        picker.press(key)
    return picker


@pytest.mark.parametrize(
    ("keys", "picked"),
    [
        ("\n", ""),
        ("healthy\n", "baseline/healthy"),
        ("slow/image-6\n", "slow/image-6s"),
        ("16s\n", "slow/image-16s"),
        ("IMAGE-61\r", "slow/image-61s"),
        ("slow/image-6\t\n", "slow/image-61s"),
        ("slow/image-6\t\t\t\n", "slow/image-6s"),
        ("slow/image-6\t\x7f6\n", "slow/image-6s"),
        ("wrong\x15healthy\n", "baseline/healthy"),
        ("my-own.yaml\n", "my-own.yaml"),
        ("hea\x1b", None),
    ],
)
def test_what_is_picked(keys: str, picked: str | None) -> None:
    picker = pressed(keys)
    assert picker.is_over
    assert picker.picked == picked


def test_a_name_with_the_prefix_comes_before_one_that_contains_it() -> None:
    picker = Picker(["x/slow-late", "late/a", "slow/b"])
    picker.press("l")
    assert picker.matches() == ["late/a", "x/slow-late", "slow/b"]


@pytest.mark.parametrize("columns", [30, 80])
def test_the_line_fits_into_the_terminal(columns: int) -> None:
    for keys in ("", "slow/image-6", "x" * 200):
        assert len(pressed(keys).line(columns)) < columns


def test_the_line_shows_what_enter_would_pick() -> None:
    assert pressed("image-6").line(80) == "scenario: image-6  → slow/image-6s  (3, Tab for the next)"
    assert pressed("slow/image-6s").line(80) == "scenario: slow/image-6s"
