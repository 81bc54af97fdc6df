"""The simulated world: an event loop that owns time, a network in memory, clocks and randomness.

world            one run of a scenario: its hosts, its tracks, its end
simulation       an application in virtual time, which single runs and benchmarks share
event_loop       the event loop: time jumps to the next timer when nothing is ready
coroutines       ending coroutines from outside
network          hosts by name, listeners, connecting
transport        the two ends of a connection in memory
tls              certificates of a throw-away authority, made when the first https connection needs them
server           ASGI apps on simulated hosts
instances        the application's instances and the platform's rules for them
patches          clocks follow the loop and randomness follows the seed during a run
threads          synchronous code in worker threads, one at a time, deterministically
environment      environment variables, log and printed output of the implementation
sqlite_watcher   every committed change of an SQLite table of tracks
sqlite_rows      reading rows as JSON can hold them
sqlite_clock     SQLite's own clock and randomness
refusals         calls of Python that would leave the simulated world
refused_calls    calls of an event loop that it lacks
variables        what an application reads of its environment
error_origin     whether an error is the application's or the harness's
"""
