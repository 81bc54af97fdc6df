"""What is certain of a duration that is drawn when a task is created."""

from harness.fakes.latency import NEVER_S, Bimodal, Duration, Fixed, Lognormal, Never, Uniform


def shortest_s(duration: Duration) -> float:
    """Return a bound below which no draw can be."""
    match duration:
        case Fixed(seconds):
            return seconds
        case Never():
            return NEVER_S
        case Uniform(low_s, _):
            return low_s
        case Lognormal():
            return 0.0
        case Bimodal(usually, sometimes, _):
            return min(shortest_s(usually), shortest_s(sometimes))


def never_ends(duration: Duration) -> bool:
    """Return whether no draw is finite."""
    return shortest_s(duration) == NEVER_S
