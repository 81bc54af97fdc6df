"""How much a cell may use, and for how long it may keep control. Generous: they end what would never end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run."""

    cpu_s: float = 300.0
    """Processor seconds."""
    real_s: float = 900.0
    """Real seconds; those in which the machine sleeps or the cell is stopped do not count."""
    memory_bytes: int = 2 * 2**30
    file_bytes: int = 2**30
    """The largest file that it may write."""
    output_bytes: int = 512 * 2**20
    """The largest journal."""
    patience_s: float = 10.0
    """Processor seconds, or seconds of waiting for something outside the simulated world, without giving control back
    to the loop."""
    start_patience_s: float = 30.0
    """The same for the import of the implementation."""
