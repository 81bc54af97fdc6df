"""What never acted, in one line: a comparison has a thousand runs, and each implementation another way around."""

from collections.abc import Iterable

from harness.results.never_acted import idle_troubles
from harness.results.result import Result


def never_acted_line(results: Iterable[Result], how_to_list: str) -> str:
    """Return how much never acted, and how to see all of it; empty if everything acted in every run."""
    troubles = idle_troubles(results)
    if not troubles:
        return ""
    if len(troubles) == 1:
        return f"{troubles[0].sentence}."
    if all(each.of == 1 for each in troubles):
        return f"{len(troubles)} faults or answers of scenarios never acted; {how_to_list}."
    nowhere = [each for each in troubles if each.in_no_run]
    parts = [
        f"{len(nowhere)} in no run of {'its scenario' if len(nowhere) == 1 else 'their scenarios'}" if nowhere else "",
        f"{len(troubles) - len(nowhere)} in some runs only" if len(nowhere) < len(troubles) else "",
    ]
    whole = f"{len(troubles)} faults or answers of scenarios did not act everywhere"
    return f"{whole}: {', '.join(filter(None, parts))}; {how_to_list}."


def never_acted_list(results: Iterable[Result]) -> list[str]:
    """Return a sentence for each, first for what acted in no run of its scenario."""
    return [f"{each.sentence}." for each in idle_troubles(results)]
