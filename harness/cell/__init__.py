"""Cells: an implementation that is not ours runs in a process of its own, one for each run, which nothing leaves.

    journal, pictures = play(scenario, implementation, seed)

    run           a run in a cell, and what becomes of it
    supervisor    starts a cell, watches it to its end, and finds out what became of it
    warm_process  the supervisor's end of the process that forks cells
    warm          that process: it has imported what every cell needs
    inside        the process of a cell, from its fork to its end
    watch         what a cell uses, and when that is too much: processor time, memory, time, output
    debugger      breakpoints
    seccomp       the kernel's half of the seal

A cell is forked from a process that has never imported the implementation's own modules. Out of it comes the journal as
JSON Lines, and the supervisor's process judges: whatever an implementation does to the process it runs in, it cannot
reach a verdict, another run, or the world outside. In the cell Python's calls that would leave it are refused by an
audit hook (`harness.world.simulated.refusals`), those below Python by the kernel.
"""

from harness.cell.run import play

__all__ = ["play"]
