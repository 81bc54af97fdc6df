"""Tables of names and numbers that fit narrow screens: names are shortened, then columns split into several tables."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

NAME_LEAST = 16
"""Characters that names keep before the columns are split into several tables."""
EDGES, GAP = 2, 2
"""Characters at a table's edges, and between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers with a header."""

    header: str
    cells: Sequence[Text]
    width_min: int = 0

    @property
    def width(self) -> int:
        """The width in characters."""
        lines = self.header.split("\n")
        return max(self.width_min, *map(cell_len, lines), *(cell.cell_len for cell in self.cells), 0)


@dataclass(frozen=True, slots=True)
class NameColumn:
    """The first column, repeated in every table."""

    header: str
    cells: Sequence[Text]
    width_max: int | None = None

    @property
    def width(self) -> int:
        """The width in characters if there is room."""
        needed = max(cell_len(self.header), *(cell.cell_len for cell in self.cells), 0)
        return needed if self.width_max is None else min(needed, self.width_max)


def fits(names: NameColumn, columns: Sequence[Column], width: int) -> bool:
    """Return whether one table fits the width."""
    return EDGES + names.width + _width(columns) <= width


def tables(
    names: NameColumn, columns: Sequence[Column], width: int, *, centred: bool = False, sections: Collection[int] = ()
) -> list[Table]:
    """Return as many tables as the width requires; `sections` are the rows that follow a blank line."""
    room, blocks = names.width_max, [columns]
    left = width - EDGES - _width(columns)
    if names.width > left:
        room = left
        if left < min(names.width, NAME_LEAST):
            room = min(names.width, width // 2)
            blocks = list(_blocks(columns, width - EDGES - room))
    return [_table(names, room, block, centred, sections) for block in blocks]


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width + GAP for column in columns)


def _blocks(columns: Sequence[Column], room: int) -> Iterator[Sequence[Column]]:
    """Yield groups of columns, each as many as fit, and at least one."""
    block: list[Column] = []
    for column in columns:
        if block and _width([*block, column]) > room:
            yield block
            block = []
        block.append(column)
    yield block


def _table(
    names: NameColumn, room: int | None, columns: Sequence[Column], centred: bool, sections: Collection[int]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(names.header, no_wrap=True, overflow="ellipsis", max_width=room)
    for column in columns:
        table.add_column(
            column.header,
            justify="center" if centred else "right",
            no_wrap=True,
            min_width=column.width_min or None,
        )
    for number, name in enumerate(names.cells):
        if number in sections:
            table.add_section()
        table.add_row(name, *(column.cells[number] for column in columns))
    return table
