"""Picks a name by typing a part of it: what is typed, and which names it may mean, nearest first."""

from collections.abc import Sequence

ENTER, ESCAPE, TAB, ERASE, ERASE_ALL = ("\n", "\r"), "\x1b", "\t", ("\x7f", "\b"), "\x15"


class Picker:
    """A line that is being typed. Nothing is drawn here, and no key is read."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._turn = 0
        self.typed = ""
        self.is_over = False
        self.picked: str | None = None
        """The name when it is over: "" for none in particular; None when it was cancelled."""

    def matches(self) -> list[str]:
        """The names that what is typed may mean: those that begin with it or have a part that does, then the rest."""
        typed = self.typed.casefold()
        found = [name for name in self._names if typed in name.casefold()]
        return sorted(found, key=lambda name: not any(part.startswith(typed) for part in _beginnings(name.casefold())))

    def meant(self) -> str:
        """What Enter would pick: the match whose turn it is, otherwise what is typed (a file, perhaps)."""
        found = self.matches()
        if not self.typed or not found or self.typed in self._names:
            return self.typed
        return found[self._turn % len(found)]

    def press(self, key: str) -> None:
        """Takes one key."""
        if key in ENTER:
            self.is_over, self.picked = True, self.meant()
        elif key == ESCAPE:
            self.is_over = True
        elif key == TAB:
            self._turn += 1
        elif key in ERASE:
            self.typed, self._turn = self.typed[:-1], 0
        elif key == ERASE_ALL:
            self.typed, self._turn = "", 0
        elif key.isprintable():
            self.typed, self._turn = self.typed + key, 0

    def line(self, columns: int) -> str:
        """The line as it is shown, in at most so many columns."""
        if not self.typed:
            more = "  (a part of its name; Enter begins this one again, Esc goes on)"
        elif (meant := self.meant()) != self.typed:
            count = len(self.matches())
            more = f"  → {meant}" + (f"  ({count}, Tab for the next)" if count > 1 else "")
        else:
            more = ""
        whole = f"scenario: {self.typed}{more}"
        return whole if len(whole) < columns else whole[: columns - 2] + "…"


def _beginnings(name: str) -> list[str]:
    return [name, *name.split("/")]
