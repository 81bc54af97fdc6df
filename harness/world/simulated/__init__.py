"""The simulated world's machinery: an event loop that owns time, a network in memory, clocks and randomness.

loop         the event loop: time jumps to the next timer when nothing is ready
places       who a callback belongs to, so that an instance can be frozen or killed
network      hosts by name, listeners, connecting
transport    the two ends of a connection in memory
tls          certificates of a throw-away authority, made when the first https connection asks
clocks       `time`, `datetime` and `sleep` follow the loop while a run is on
randomness   `random`, `secrets`, `uuid4` and `os.urandom` follow the seed while a run is on
threads      synchronous code in worker threads, one at a time, deterministically
"""
