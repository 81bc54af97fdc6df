"""What a live session shows of its progress."""

from harness.cli.live_progress import LiveProgress, result_line
from harness.engine.run import resolve, run
from harness.results.result import Result
from harness.scenario import catalogue


def result(name: str) -> Result:
    (scenario,) = catalogue.select([name])
    return run(scenario, resolve("synchronous"))


def test_the_rate_the_time_left_and_the_speed_are_shown_once_some_runs_have_ended() -> None:
    now_s = [0.0]
    progress = LiveProgress(40, lambda: now_s[0])
    healthy = result("baseline/healthy")
    for _ in range(10):
        now_s[0] += 6.0
        progress.count(healthy)
    assert progress.pace.startswith("10/min, 3 min left")


def test_where_there_is_no_terminal_a_line_comes_every_now_and_then_but_not_at_the_end() -> None:
    now_s = [0.0]
    progress = LiveProgress(4, lambda: now_s[0])
    healthy = result("baseline/healthy")
    lines = []
    for at_s in (10.0, 35.0, 50.0, 100.0):
        now_s[0] = at_s
        progress.count(healthy)
        lines.append(progress.line())
    assert [line is not None for line in lines] == [False, True, False, False]
    assert str(lines[1]).startswith("2 of 4 runs after 35 s: ")


def test_a_result_that_is_not_good_is_shown_as_it_comes() -> None:
    assert result_line(result("baseline/healthy-2k-cover")) is None
    line = result_line(result("slow/image-16s"))
    assert line is not None
    assert line.plain.startswith("✗ slow/image-16s  synchronous: ")
    assert "callback-answered" in line.plain
