"""Picking a name by typing part of it: the input line and its matches, nearest first."""

from collections.abc import Sequence

ENTER, ESCAPE, TAB, ERASE, ERASE_ALL = ("\n", "\r"), "\x1b", "\t", ("\x7f", "\b"), "\x15"


class Picker:
    """The state of an input line; it neither draws nor reads keys."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._selected = 0
        self.typed = ""
        self.is_over = False
        self.picked: str | None = None
        """The chosen name once it is over: "" for an empty line, None if cancelled."""

    def matches(self) -> list[str]:
        """Return the names that contain the input: those with a part that begins with it first."""
        typed = self.typed.casefold()
        found = [name for name in self._names if typed in name.casefold()]
        return sorted(found, key=lambda name: not any(part.startswith(typed) for part in _beginnings(name.casefold())))

    def meant(self) -> str:
        """Return what Enter would pick: the selected match, otherwise the input itself (perhaps a file)."""
        found = self.matches()
        if not self.typed or not found or self.typed in self._names:
            return self.typed
        return found[self._selected % len(found)]

    def press(self, key: str) -> None:
        """Handle one key."""
        if key in ENTER:
            self.is_over, self.picked = True, self.meant()
        elif key == ESCAPE:
            self.is_over = True
        elif key == TAB:
            self._selected += 1
        elif key in ERASE:
            self.typed, self._selected = self.typed[:-1], 0
        elif key == ERASE_ALL:
            self.typed, self._selected = "", 0
        elif key.isprintable():
            self.typed, self._selected = self.typed + key, 0

    def line(self, columns: int) -> str:
        """Return the line to show, in at most `columns` columns."""
        if not self.typed:
            more = "  (part of its name; Enter restarts the current one, Esc cancels)"
        elif (meant := self.meant()) != self.typed:
            count = len(self.matches())
            more = f"  → {meant}" + (f"  ({count}, Tab for the next)" if count > 1 else "")
        else:
            more = ""
        whole = f"scenario: {self.typed}{more}"
        return whole if len(whole) < columns else whole[: columns - 2] + "…"


def _beginnings(name: str) -> list[str]:
    return [name, *name.split("/")]
