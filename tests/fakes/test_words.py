"""Seeded texts: the same seed gives the same texts, whatever was generated before."""

from harness.fakes.sample_text import prompt, titles


def test_titles_depend_only_on_the_seed() -> None:
    before = titles(7, 5)
    titles(8, 3)
    prompt(7, 1)

    assert titles(7, 5) == before
    assert titles(8, 5) != before


def test_titles_are_all_different_and_a_longer_list_begins_with_the_same() -> None:
    many = titles(1, 300)

    assert len(set(many)) == 300
    assert many[:20] == titles(1, 20)


def test_all_prompts_are_different() -> None:
    assert prompt(1, 1) == prompt(1, 1)
    assert len({prompt(seed, index) for seed in (1, 2) for index in range(5)}) == 10
