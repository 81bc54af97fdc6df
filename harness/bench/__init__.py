"""The stopwatch: thousands of tracks for each strategy against seeded latencies, and the same code on real sockets.

draws        numbers that depend on nothing but seed, track and occasion: every strategy meets the same ones
models       named providers: how long things take there and how often they fail, each figure with its source
samples      the same from what a user has measured: CSV and HAR files
providers    the fakes, unmodified, playing draws
store        an SQLite database whose pictures are seen as they are written, at a cost that does not grow
world        one chunk of tracks, one strategy, one virtual world
running      all chunks of all strategies, on several cores
statistics   percentiles, shares and ratios, each with its confidence interval
figures      what is reported of a strategy, and who is better than whom in everything
thresholds   sentences such as `p99>20s` that fail a run
reality      the time that the code itself takes, on sockets
"""
