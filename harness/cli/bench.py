"""`harness bench`."""

from typing import TYPE_CHECKING

import click

from harness.cli.completion import complete_files, complete_implementations, complete_models
from harness.cli.options import implementation_of, json_option, seed_option, workers_option
from harness.errors import EXIT_THRESHOLD, HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.bench.figures import Bench
    from harness.bench.json_format import Baseline
    from harness.bench.thresholds import Threshold
    from harness.bench.world import Plan

TRACKS = 5_000
PER_MINUTE = 6.0
CHUNK = 50
_FIGURES = "simulated figures, which are exact; those of --real are not"
_PROVIDERS = "the providers' times, and with --real they take none"
OF_THE_SIMULATION = {
    **dict.fromkeys(("sentences", "baseline_file", "save_baseline", "html_file", "reference"), _FIGURES),
    **dict.fromkeys(("model", "samples", "rate"), _PROVIDERS),
    "tracks": "simulated tracks; --rounds says how many --real makes",
    "workers": "simulated tracks, which can be shared out; --real times one at a time",
}
OF_REAL = dict.fromkeys(("rounds", "for_s"), "--real, which is not asked for")
"""The options that would change nothing, with `--real` and without it, and what each is about."""


@click.command()
@click.argument("implementations", nargs=-1, shell_complete=complete_implementations)
@click.option(
    "--tracks", type=click.IntRange(1, 1_000_000), default=TRACKS, show_default=True, help="For each strategy."
)
@click.option(
    "--model",
    default="typical",
    show_default=True,
    shell_complete=complete_models,
    help="The providers' mood; --models lists them.",
)
@click.option(
    "--models",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, given: _list_models(context) if given else None,
    help="Lists the models with their figures and sources.",
)
@click.option(
    "--samples", metavar="FILE", shell_complete=complete_files, help="Times of your own: CSV (what,seconds) or HAR."
)
@click.option(
    "--rate", type=click.FloatRange(0.1, 600), default=PER_MINUTE, show_default=True, help="Arrivals a minute, Poisson."
)
@click.option(
    "--reference",
    metavar="NAME",
    shell_complete=complete_implementations,
    help="Whom the others are compared with, track by track.",
)
@click.option("--fail-if", "sentences", multiple=True, metavar="METRIC[@NAME]>VALUE", help="p99>20s, 2k<90%, cost>1.3")
@click.option(
    "--save-baseline", metavar="FILE", shell_complete=complete_files, help="Keeps the figures for a later --baseline."
)
@click.option(
    "--baseline", "baseline_file", metavar="FILE", shell_complete=complete_files, help="Tells what has changed since."
)
@click.option("--html", "html_file", metavar="FILE", shell_complete=complete_files, help="Writes a page with charts.")
@click.option("--real", is_flag=True, help="Times the code itself, on sockets, with providers that take no time.")
@click.option(
    "--rounds", type=click.IntRange(3, 10_000), default=100, show_default=True, help="Of --real: tracks, at most."
)
@click.option(
    "--for",
    "for_s",
    type=click.FloatRange(1, 600),
    default=15.0,
    show_default=True,
    help="Of --real: seconds each, at most.",
)
@seed_option
@json_option
@workers_option
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no tables, only what a threshold finds.")
@click.pass_context
def bench(
    context: click.Context,
    implementations: tuple[str, ...],
    tracks: int,
    model: str,
    samples: str | None,
    rate: float,
    reference: str | None,
    sentences: tuple[str, ...],
    save_baseline: str | None,
    baseline_file: str | None,
    html_file: str | None,
    real: bool,
    rounds: int,
    for_s: float,
    seed: int,
    json_file: str | None,
    workers: int | None,
    quiet: bool,
) -> None:
    """Times strategies over thousands of tracks that all meet the same seeded delays and failures.

    IMPLEMENTATIONS are strategies or your own (module:attribute, file.py:attribute); all strategies by default. Exit
    code 4: something is as a --fail-if says it must not be.
    """
    from harness.strategies.registry import STRATEGIES

    names = list(dict.fromkeys(implementations or STRATEGIES))
    _must_fit(context, real=real)
    if real:
        _time_for_real(names, rounds, for_s, seed, json_file, quiet=quiet)
        return
    from harness.bench.json_format import read_baseline
    from harness.bench.models import model_called
    from harness.bench.samples import with_samples
    from harness.bench.thresholds import read_threshold
    from harness.bench.world import Plan

    chosen = model_called(model)
    if samples is not None:
        chosen = with_samples(chosen, samples)
    thresholds = [read_threshold(sentence, names) for sentence in sentences]
    reference = _reference(reference, names)
    is_for_a_program = _outputs(json_file, save_baseline, html_file, samples)
    before = None if baseline_file is None else _comparable(read_baseline(baseline_file), names)
    found = _run(Plan(chosen, seed, tracks, rate, CHUNK), names, workers, quiet=quiet or is_for_a_program)
    _write(found, reference, (json_file, save_baseline), html_file)
    if not is_for_a_program and not quiet:
        _notify(found, reference, before)
    _judge(found, thresholds)


def _comparable(before: "Baseline", names: "Sequence[str]") -> "Baseline":
    """The baseline; raises HarnessError when there is nothing in it that the figures could be compared with."""
    if not set(names) & before.figures.keys():
        raise HarnessError(
            f"{before.path}: has the figures of {', '.join(before.figures) or 'nobody'}, this bench is of "
            f"{', '.join(names)}; there is nothing to compare (--baseline)"
        )
    return before


def _outputs(json_file: str | None, save_baseline: str | None, html_file: str | None, samples: str | None) -> bool:
    """Checks the files before anything runs, and says whether one of them is stdout, which has then no tables."""
    from harness.results.files import must_be_apart, must_be_writable

    if save_baseline == "-":
        raise HarnessError('--save-baseline needs a file; --json "-" writes the same to stdout')
    outputs = {"json": json_file, "save-baseline": save_baseline, "html": html_file}
    for target in outputs.values():
        must_be_writable(target)
    must_be_apart(outputs, [] if samples is None else [samples])
    return "-" in outputs.values()


def _list_models(context: click.Context) -> None:
    from harness.bench.models import MODELS
    from harness.bench.table import models
    from harness.terminal import show

    show(models(list(MODELS.values())))
    context.exit()


def _must_fit(context: click.Context, *, real: bool) -> None:
    """Raises UsageError for an option that would change nothing; what the environment or a file says for every run may
    stand there."""
    unfit = OF_THE_SIMULATION if real else OF_REAL
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if parameter.name in unfit and given is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} is about {unfit[parameter.name]}")


def _time_for_real(
    names: list[str], rounds: int, for_s: float, seed: int, json_file: str | None, *, quiet: bool
) -> None:
    from harness.bench.wallclock import reality_json, time_all
    from harness.bench.wallclock_table import report
    from harness.results.files import must_be_writable, write_json
    from harness.terminal import notifier, show

    must_be_writable(json_file)
    implementations = [implementation_of(name, 1.0) for name in names]
    notify = notifier(None, quiet=quiet or json_file == "-")
    found = time_all(implementations, rounds, for_s, seed, lambda name: notify(f"timing {name}"))
    if json_file is not None:
        write_json(json_file, reality_json(found, seed))
    if json_file != "-" and not quiet:
        show(report(found))


def _reference(requested: str | None, names: list[str]) -> str | None:
    """The one asked for; else the strategy of the seed documents, or the first of several."""
    from harness.errors import UnknownNameError

    if requested is not None:
        if requested not in names:
            raise UnknownNameError("strategy in this bench", requested, names, " (--reference)")
        return requested
    if "synchronous" in names:
        return "synchronous"
    return names[0] if len(names) > 1 else None


def _run(plan: "Plan", names: list[str], workers: int | None, *, quiet: bool) -> "Bench":
    from harness.bench.running import bench as run_bench
    from harness.engine.pool import workers_for
    from harness.terminal import progress

    implementations = [implementation_of(name, 1.0) for name in names]
    with progress(plan.tracks * len(names), "timing", quiet=quiet) as bar:

        def advance(count: int) -> None:
            if bar is not None:
                bar.advance(bar.task_ids[0], count)

        return run_bench(plan, implementations, workers or workers_for(implementations), advance)


def _write(found: "Bench", reference: str | None, json_files: "Sequence[str | None]", html_file: str | None) -> None:
    from harness.bench.json_format import bench_json
    from harness.results.files import write_bytes, write_json

    value = bench_json(found, reference)
    for target in json_files:
        if target is not None:
            write_json(target, value)
    if html_file is not None:
        from harness.bench.html import page

        write_bytes(html_file, page(found, reference))


def _notify(found: "Bench", reference: str | None, before: "Baseline | None") -> None:
    from harness.bench.table import changes, report
    from harness.terminal import show

    show(report(found, reference))
    if before is not None:
        added = [each.name for each in found.figures if each.name not in before.figures]
        if added:
            show(f"not in {before.path}: {', '.join(added)}")
        show(changes(before.changes(found), before, before.is_same_plan(found)))


def _judge(found: "Bench", thresholds: "list[Threshold]") -> None:
    """Tells which thresholds are crossed, and ends with their exit code if any is."""
    from harness.bench.table import value_text
    from harness.terminal import complain

    crossed = False
    for threshold in thresholds:
        for name, value in threshold.broken_by(found.figures):
            crossed = True
            complain(f"--fail-if {threshold.text}: {name} has {value_text(threshold.metric, value)}")
    if crossed:
        raise click.exceptions.Exit(EXIT_THRESHOLD)
