"""The bench: thousands of tracks for each strategy against seeded latencies, and the same code over real sockets.

models            provider latency and failure models, each figure with its source
samples           a user's own measured times in place of a model's: CSV and HAR files
sampling          numbers that depend only on seed, track and occasion: every strategy gets the same ones
providers         the unmodified fakes, driven by these draws
store             an SQLite database whose pictures are seen when written, at a cost that does not grow with it
world             one chunk of tracks, one strategy, one virtual world
running           all chunks of all strategies, on several cores
statistics        percentiles, shares and ratios, each with its confidence interval
figures           what is reported of a strategy, and which strategies are on the Pareto front
thresholds        limits such as `p99>20s` that make a bench fail
histograms        a latency's values in HdrHistogram's format
json_format       the JSON format, and baselines
table             the tables for a terminal
html              the page
wallclock         the time that the code itself takes, over sockets
"""
