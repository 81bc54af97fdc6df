"""Fixtures for your own tests.

    def test_the_track_gets_its_picture(run_scenario):
        result = run_scenario("slow/image-16s", "shop.web:app")
        assert not result.violated, explained(result)

The harness is imported when the first test requests a fixture. Asynchronous tests can use them, too: the run then gets
a thread without an event loop.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from harness.pytest_plugin.options import settings_of

if TYPE_CHECKING:
    from harness.invariants.registry import Own
    from harness.results.result import Result
    from harness.scenario.model import Scenario

T = TypeVar("T")


class ScenarioRunner:
    """Runs an implementation in a scenario inside a test."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    def __call__(
        self,
        scenario: "str | Scenario",
        implementation: str | None = None,
        seed: int | None = None,
        *,
        invariants: "Own | None" = None,
    ) -> "Result":
        """Return the result of one run.

        `scenario` is a shipped name, a file or a Scenario; `implementation` a strategy's name, `module:attribute`,
        `file.py:attribute`, a harness.toml or a URL. Omitted values come from the closest `harness` marker, then from
        the settings. The test fails with one sentence if either cannot be found or started.
        """
        from harness.engine.run import configured, run
        from harness.errors import HarnessError
        from harness.invariants.registry import own_by_name
        from harness.scenario import catalogue
        from harness.terminal import visible

        settings = settings_of(self._request.config)
        try:
            chosen = catalogue.select([scenario]) if isinstance(scenario, str) else [scenario]
            if len(chosen) != 1:
                names = ", ".join(each.name for each in chosen)
                raise HarnessError(f'"{scenario}" matches {len(chosen)} scenarios, expected one: {names}')
            target = implementation or self._marked("implementation") or self._only(settings.implementations)
            who = configured(target, settings.speed, clean=settings.clean_environment)
            number = next(n for n in (seed, self._marked("seed"), settings.seed) if n is not None)
            how = settings.judging()
            if invariants:
                how = replace(how, own={**own_by_name(how.own), **own_by_name(invariants)}.values())
            return _without_a_loop(lambda: run(chosen[0], who, number, judging=how))
        except HarnessError as error:
            pytest.fail(visible(str(error)), pytrace=False)

    def _marked(self, name: str) -> Any:
        """Return the keyword argument of the closest marker that has it, or None."""
        found = (mark.kwargs[name] for mark in self._request.node.iter_markers("harness") if name in mark.kwargs)
        return next(found, None)

    def _only(self, implementations: list[str]) -> str:
        if len(implementations) == 1:
            return implementations[0]
        pytest.fail(
            "no implementation is set; pass one: run_scenario(scenario, implementation), "
            "@pytest.mark.harness(implementation=...), --harness-implementation or harness_implementation",
            pytrace=False,
        )


def _without_a_loop(work: Callable[[], T]) -> T:
    """Call `work` here, or in its own thread if asyncio or trio is running."""
    import sniffio

    try:
        sniffio.current_async_library()
    except sniffio.AsyncLibraryNotFoundError:
        return work()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def explained(result: "Result") -> str:
    """Return a message for a failing test: each violation, and the command that replays the run."""
    from harness.report.evidence import dependence, replay_command
    from harness.terminal import visible

    troubled = [verdict for verdict in result.of("violated", "unknown") if verdict.severity == "error"]
    reported = [f"  {verdict.invariant} ({verdict.state}): {visible(verdict.reason)}" for verdict in troubled]
    replay = replay_command(result.implementation, result.scenario, result.seed, result.journal)
    depends = dependence(result.journal)
    lines = [f"{result.implementation} in {result.scenario}:", *reported, f"  replay: {replay}"]
    return "\n".join([*lines, f"  {depends}"] if depends else lines)


@pytest.fixture
def run_scenario(request: pytest.FixtureRequest) -> ScenarioRunner:
    """Run a scenario: `run_scenario(scenario, implementation=None, seed=None) -> Result`."""
    return ScenarioRunner(request)


@pytest.fixture
def harness_result(request: pytest.FixtureRequest, run_scenario: ScenarioRunner) -> "Result":
    """Return the result of the scenario in the test's `harness` marker; with several, the test runs once for each."""
    return run_scenario(request.param)


@pytest.fixture
def serve_scenario(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Serve the fakes on ports: `serve_scenario(scenario="baseline/healthy", seed=None, *, speed=1) -> Fakes`."""
    from harness.pytest_plugin.fakes import serving

    with serving(settings_of(request.config).seed) as serve:
        yield serve


@pytest.fixture
def make_scenario() -> Any:
    """Make a scenario from the keys of a file: `make_scenario(why=..., faults=[...]) -> Scenario`."""
    return _made_scenario


def _made_scenario(name: str = "test/made", why: str = "Made by a test.", **keys: Any) -> "Scenario":
    """Return a scenario. Raise ScenarioError as for a file with these keys."""
    import yaml

    from harness.scenario.loader import parse_scenario

    text = yaml.safe_dump({"why": why, **keys}, sort_keys=False, allow_unicode=True)
    return parse_scenario(text, path=f"make_scenario({name!r})", name=name)
