"""A session: from a plan to an exit code, shared by commands and the pytest plugin.

    session = Session(Plan(scenarios, implementations, seed), Outputs(save="results"), baseline="before")
    results = session.play(on_result=..., notify=...)
    session.write()
    session.exit_code

Baseline and outputs are checked before the first run.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from harness.engine.judging import Judging
from harness.engine.outputs import Outputs, failures
from harness.engine.pace import Notify, Pair
from harness.engine.pool import play_pairs, run_pairs, side_by_side, workers_for
from harness.engine.run import DEFAULT_SEED, run
from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_VIOLATED, HarnessError
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario
from harness.results.archive_file import harness_version, packed_run, read_results
from harness.results.baseline import Changes, changes_since, spelling
from harness.results.comparison import Comparison
from harness.results.files import JournalFolder
from harness.results.growth import GrowingFile, kept_results
from harness.results.never_acted import idle_troubles
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from harness.targets import AnyImplementation


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and how to judge it."""

    scenarios: Sequence[Scenario]
    implementations: Sequence[AnyImplementation]
    seed: int = DEFAULT_SEED
    workers: int | None = None
    """Worker processes; None for one per core, or as many as applications can run concurrently."""
    judging: Judging = field(default_factory=Judging)

    def pairs(self) -> list[Pair]:
        """Return every implementation in every scenario."""
        return [(scenario, implementation) for scenario in self.scenarios for implementation in self.implementations]


class Session:
    """One plan, played once."""

    def __init__(
        self,
        plan: Plan,
        outputs: Outputs | None = None,
        baseline: str | None = None,
        journals: str | None = None,
        resume: str | None = None,
    ) -> None:
        """`journals` is a folder for the journals; `resume` an archive whose runs need not be played again.

        Raise HarnessError for outputs that cannot be written and for an invalid `baseline` or `resume`.
        """
        self.plan = plan
        self.outputs = outputs or Outputs()
        self.outputs.check()
        self.baseline = None if baseline is None else read_baseline(baseline, plan.seed)
        keys = [(scenario.name, who.name) for scenario, who in plan.pairs()]
        self._journals = None if journals is None else JournalFolder(journals, keys, plan.seed)
        self._kept = [] if resume is None else _kept_runs(resume, plan)
        self.results: list[Result] = []
        self.problems: list[HarnessError] = []
        """What could not be written."""
        self._runs: list[Run] = []
        self._growing: list[GrowingFile] = []

    def play(
        self,
        *,
        keep_journals: bool = False,
        on_result: Callable[[Result], None] = lambda result: None,
        notify: Notify = lambda sentence: None,
    ) -> list[Result]:
        """Return all results, in the order of the plan; call `on_result` with each as it completes.

        Raise and notify as `play_pairs` does.
        """
        kept = replace(self._head(), runs=tuple(self._kept))
        growing = self._growing = self.outputs.growing(kept) if self.outputs.need_archive else []
        for result in self._played(keep_journals or self._journals is not None, growing, notify):
            self.results.append(result)
            on_result(result)
            if self._journals is not None:
                self.problems += failures([partial(self._journals.add, result)])
        place = {(scenario.name, who.name): n for n, (scenario, who) in enumerate(self.plan.pairs())}
        self.results.sort(key=lambda result: place[result.scenario, result.implementation])
        return self.results

    @property
    def kept_in(self) -> str | None:
        """The file in which the results archive is, or grows."""
        return self._growing[0].kept_in if self._growing and self.outputs.save is not None else None

    def _played(self, keep_journals: bool, growing: Sequence[GrowingFile], notify: Notify) -> Iterator[Result]:
        plan, kept = self.plan, {run.key for run in self._kept}
        pairs = [(scenario, who) for scenario, who in plan.pairs() if (scenario.name, who.name) not in kept]
        workers = plan.workers or workers_for(plan.implementations)
        if not (self.outputs.need_archive or kept):
            yield from run_pairs(pairs, plan.seed, workers, keep_journals, notify, plan.judging)
            return
        played = play_pairs(pairs, plan.seed, workers, partial(stored_run, judging=plan.judging), notify)
        for each in self._kept:
            yield self._taken(each, keep_journals)
        for each in played:
            for problem in filter(None, [file.add(each) for file in growing]):
                notify(problem)
            yield self._taken(each, keep_journals)

    def _taken(self, run: Run, keep_journals: bool) -> Result:
        """Keep a run, and return its result."""
        self._runs.append(run)
        return replace(run.result, journal=run.journal) if keep_journals else run.result

    def compare(self) -> Comparison:
        """Play the plan and return the results as a comparison."""
        self.play()
        return self.comparison()

    def comparison(self) -> Comparison:
        """Return the results as a comparison."""
        return side_by_side(self.plan.scenarios, self.plan.implementations, self.plan.seed, self.results)

    def changes(self, *, added_count: bool) -> tuple[Changes | None, int]:
        """Return the changes since the baseline, if there is one, and the exit code; see `judged_against`."""
        if self.baseline is None:
            return None, exit_code(self.results)
        return judged_against(self.baseline, self.plan.scenarios, self.results, added_count=added_count)

    def write(self) -> None:
        """Write the requested results archive and reports; what goes wrong is added to `problems`."""
        if self.outputs.need_archive:
            self.problems += self.outputs.write(self.archive())
        if not self.problems:
            for file in self._growing:
                file.close()

    def archive(self) -> Results:
        """Return everything that is kept of the runs."""
        return replace(self._head(), runs=in_order(self._runs, self._head()))

    def _head(self) -> Results:
        names = [implementation.name for implementation in self.plan.implementations]
        return results_of(self.plan.scenarios, names, self.plan.seed, ())


def _kept_runs(path: str, plan: Plan) -> list[Run]:
    """Return the runs of an archive that are in the plan, of scenarios that have not changed since."""
    kept = kept_results(path)
    if kept.seed != plan.seed:
        raise HarnessError(f"{path}: expected seed {plan.seed}, found {kept.seed}; pass --seed {kept.seed}")
    texts = {scenario.name: scenario.text for scenario in kept.scenarios}
    unchanged = {scenario.name for scenario in plan.scenarios if texts.get(scenario.name) == scenario.text}
    names = {implementation.name for implementation in plan.implementations}
    return [run for run in kept.runs if run.key[0] in unchanged and run.key[1] in names]


def stored_run(scenario: Scenario, implementation: AnyImplementation, seed: int, judging: Judging | None = None) -> Run:
    """Run a pair and return what a results archive keeps of it."""
    return packed_run(run(scenario, implementation, seed, keep_pictures=True, judging=judging))


def results_of(
    scenarios: Sequence[Scenario], implementations: Sequence[str], seed: int, runs: Iterable[Run]
) -> Results:
    """Return runs in any order as results in the order of scenarios and implementations."""
    head = Results(
        harness=harness_version(),
        seed=seed,
        scenarios=tuple(_stored(scenario) for scenario in scenarios),
        implementations=tuple(StoredImplementation(name, _sentence(name)) for name in implementations),
        runs=(),
    )
    return replace(head, runs=in_order(runs, head))


def in_order(runs: Iterable[Run], head: Results) -> tuple[Run, ...]:
    """Return runs in the order of the scenarios and implementations of `head`."""
    by_key = {each.key: each for each in runs}
    keys = [(scenario.name, who.name) for scenario in head.scenarios for who in head.implementations]
    return tuple(by_key[key] for key in keys if key in by_key)


def _stored(scenario: Scenario) -> StoredScenario:
    selector = catalogue.selector_of(scenario)
    return StoredScenario(scenario.name, scenario.why.strip(), selector, scenario.text, scenario.impossible)


def _sentence(name: str) -> str:
    return STRATEGIES[name].sentence if name in STRATEGIES else ""


def read_baseline(path: str, seed: int) -> Results:
    """Read a results archive as a baseline. Raise HarnessError for an invalid one, or one with another seed."""
    results = read_results(path)
    if results.seed != seed:
        raise HarnessError(f"{path}: expected seed {seed}, found {results.seed}; pass --seed {results.seed}")
    return results


def judged_against(
    baseline: Results, scenarios: Sequence[Scenario], results: Iterable[Result], *, added_count: bool
) -> tuple[Changes, int]:
    """Return the changes and the exit code. Runs of the baseline that were not run now are ignored.

    With `added_count` runs that the baseline lacks count as without a baseline: 1 for violated, 3 for inconclusive.
    Otherwise they only count if there are no others: 3, since nothing was compared.
    """
    now = {(result.scenario, result.implementation): result for result in results}
    names = {scenario.name for scenario in scenarios}
    whos = {spelling(who) for _, who in now}
    before: Mapping[tuple[str, str], Result] = {
        run.key: run.result for run in baseline.runs if run.key[0] in names and spelling(run.key[1]) in whos
    }
    changes = changes_since(before, now)
    if changes.of("regression") or (added_count and changes.broken):
        return changes, EXIT_VIOLATED
    return changes, EXIT_UNKNOWN if (changes.unjudged if added_count else not changes.compared) else EXIT_HELD


def scenarios_changed_since(baseline: Results, scenarios: Sequence[Scenario]) -> list[str]:
    """Return the names of the scenarios whose text differs from the baseline."""
    texts = {scenario.name: scenario.text for scenario in baseline.scenarios}
    return [each.name for each in scenarios if each.path and texts.get(each.name) not in (None, each.text)]


def strict_code(code: int, results: Iterable[Result], *, everywhere: bool) -> int:
    """Return the exit code under `--strict`: 3 in place of 0 if something of a scenario never acted.

    `everywhere`: only what acted in no run of its scenario counts, since implementations use different endpoints.
    """
    idle = idle_troubles(results)
    if everywhere:
        idle = [each for each in idle if each.in_no_run]
    return EXIT_UNKNOWN if code == EXIT_HELD and idle else code


def exit_code(results: Iterable[Result]) -> int:
    """Return 0 if all held, 1 if something is violated, 3 if nothing is violated but something inconclusive."""
    judged = list(results)
    if any(result.violated for result in judged):
        return EXIT_VIOLATED
    return EXIT_UNKNOWN if any(result.unknown for result in judged) else EXIT_HELD
