"""Cells: an implementation that is not ours runs in a process of its own, one for each run, which nothing leaves.

    journal, pictures = play(scenario, implementation, seed)

    supervisor   starts a cell for each run, watches it, and makes an honest result of whatever becomes of it
    warm         a process that has imported what every cell needs, and forks them
    inside       what a cell does: the simulated world with fakes and implementation
    watch        what a cell uses, and when that is too much: processor time, memory, time, output
    limits       how much that is
    seccomp      the kernel's half of the seal

A cell is forked from a process that has never imported the implementation's own modules. Out of it comes the journal as
JSON Lines, and the supervisor's process judges: whatever an implementation does to the process it runs in, it cannot
reach a verdict, another run, or the world outside. In the cell Python's calls that would leave it are refused by an
audit hook (`harness.world.simulated.refusals`), those below Python by the kernel.
"""

from harness.cell.supervisor import play
from harness.targets.limits import Limits

__all__ = ["Limits", "play"]
