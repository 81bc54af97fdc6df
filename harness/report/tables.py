"""Tables of a name and many numbers that lose nothing on a narrow screen: first the names get shorter, then the numbers
are laid out in several tables, one below the other.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

NAME_LEAST = 16
"""Characters that names keep before the numbers are laid out in several tables."""
EDGES, GAP = 2, 2
"""Characters that a table takes at its edges, and between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers below a header, one in each row."""

    header: str
    cells: Sequence[Text]
    width_min: int = 0

    @property
    def width(self) -> int:
        """Characters that it needs."""
        lines = self.header.split("\n")
        return max(self.width_min, *map(cell_len, lines), *(cell.cell_len for cell in self.cells), 0)


@dataclass(frozen=True, slots=True)
class Names:
    """The first column, which is in every table."""

    header: str
    cells: Sequence[Text]
    width_max: int | None = None

    @property
    def width(self) -> int:
        """Characters that it takes where there is room."""
        needed = max(cell_len(self.header), *(cell.cell_len for cell in self.cells), 0)
        return needed if self.width_max is None else min(needed, self.width_max)


def fits(names: Names, columns: Sequence[Column], width: int) -> bool:
    """Whether one table is enough."""
    return EDGES + names.width + _width(columns) <= width


def tables(
    names: Names, columns: Sequence[Column], width: int, *, centred: bool = False, sections: Collection[int] = ()
) -> list[Table]:
    """The tables that it takes; `sections` are the rows before which there is a blank line."""
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
    """As many columns together as there is room for, and at least one."""
    block: list[Column] = []
    for column in columns:
        if block and _width([*block, column]) > room:
            yield block
            block = []
        block.append(column)
    yield block


def _table(
    names: Names, room: int | None, columns: Sequence[Column], centred: bool, sections: Collection[int]
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
