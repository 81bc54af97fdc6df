"""`harness bench`."""

from functools import partial
from typing import TYPE_CHECKING

import click

from harness.cli.completion import complete_files, complete_implementations, complete_models
from harness.cli.exit_codes import is_known
from harness.cli.help import GroupedCommand
from harness.cli.options import NumberRange, json_option, outputs_of, seed_option, workers_option
from harness.cli.progress import Growing, code_of_problems
from harness.errors import EXIT_HELD, EXIT_THRESHOLD, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.bench.figures import Bench
    from harness.bench.json_format import Baseline
    from harness.bench.world import BenchPlan
    from harness.engine.outputs import Outputs

TRACKS = 5_000
PER_MINUTE = 6.0
CHUNK = 50
OF_REAL = ("rounds", "for_s")
OF_BOTH = ("implementations", "real", "seed", "json_file", "quiet")


@click.command(cls=GroupedCommand)
@click.argument("implementations", nargs=-1, shell_complete=complete_implementations)
@click.option(
    "--tracks",
    type=click.IntRange(1, 1_000_000),
    default=TRACKS,
    show_default=True,
    help="Tracks for each implementation.",
)
@click.option(
    "--model",
    default="measured",
    show_default=True,
    shell_complete=complete_models,
    help="Provider latency and failure model; --models lists them.",
)
@click.option(
    "--models",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, given: _list_models(context) if given else None,
    help="List the models with their figures and sources, and exit.",
)
@click.option(
    "--samples", metavar="FILE", shell_complete=complete_files, help="Your own latencies: CSV (what,seconds) or HAR."
)
@click.option(
    "--rate",
    type=NumberRange(0.1, 600),
    default=PER_MINUTE,
    show_default=True,
    help="Tracks per minute (Poisson arrivals).",
)
@click.option(
    "--reference",
    metavar="NAME",
    shell_complete=complete_implementations,
    help="Implementation that the others are compared with, track by track.",
)
@click.option(
    "--fail-if",
    "sentences",
    multiple=True,
    metavar="METRIC[@NAME]>VALUE",
    help="Exit with 4 if exceeded: p99>20s, 2k<90%, cost>1.3; repeatable.",
)
@click.option(
    "--baseline",
    "baseline_file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Report what changed since --json wrote FILE.",
)
@click.option(
    "--html", "html_file", metavar="FILE", shell_complete=complete_files, help="Write an HTML page with charts."
)
@click.option("--real", is_flag=True, help="Time the code itself, over sockets, with providers that respond at once.")
@click.option(
    "--rounds", type=click.IntRange(3, 10_000), default=100, show_default=True, help="With --real: tracks, at most."
)
@click.option(
    "--for",
    "for_s",
    type=NumberRange(1, 600),
    default=15.0,
    show_default=True,
    help="With --real: seconds for each implementation, at most.",
)
@seed_option
@json_option
@workers_option
@click.option("-q", "--quiet", is_flag=True, help="Show only exceeded thresholds.")
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
    """Measure latency and cost over thousands of tracks.

    Every implementation gets the same seeded delays and failures. IMPLEMENTATIONS are strategies or your own
    (module:attribute, file.py:attribute); all strategies by default.

    \b
    Examples:
      harness bench
      harness bench shop.web:app synchronous --fail-if "p99>20s"
      harness bench shop.web:app --real

    Exit codes: 0 measured, 2 usage or implementation error, 4 a --fail-if threshold was exceeded.
    """
    from harness.strategies.registry import STRATEGIES

    names = list(dict.fromkeys(implementations or STRATEGIES))
    _must_fit(context, real=real)
    outputs = outputs_of({"html_file": html_file}, json_file)
    outputs.check([] if samples is None else [samples])
    quiet = quiet or outputs.take_stdout
    if real:
        _time_for_real(names, rounds, for_s, seed, outputs, quiet=quiet)
        return
    from harness.bench.json_format import bench_json, read_baseline
    from harness.bench.models import model_called
    from harness.bench.samples import with_samples
    from harness.bench.table import value_text
    from harness.bench.thresholds import read_threshold
    from harness.bench.world import BenchPlan
    from harness.engine.outputs import failures
    from harness.terminal import complain

    chosen = model_called(model)
    if samples is not None:
        chosen = with_samples(chosen, samples)
    thresholds = [read_threshold(sentence, names) for sentence in sentences]
    reference = _reference(reference, names)
    before = None if baseline_file is None else read_baseline(baseline_file, names)
    growing = Growing(outputs, len(names), "measured")
    found = _run(
        BenchPlan(chosen, seed, tracks, rate, CHUNK),
        names,
        workers,
        lambda found: growing.keep(len(found.figures), lambda: bench_json(found, reference)),
        quiet=quiet,
    )
    crossed = [(each, *broken) for each in thresholds for broken in each.broken_by(found.figures)]
    is_known(EXIT_THRESHOLD if crossed else EXIT_HELD)
    problems = growing.end(bench_json(found, reference))
    if html_file is not None:
        problems += failures([partial(_write_page, html_file, found, reference)])
    if not quiet:
        _show(found, reference, before)
    for threshold, name, value in crossed:
        complain(f"--fail-if {threshold.text}: {name} has {value_text(threshold.metric, value)}")
    raise click.exceptions.Exit(code_of_problems(problems, EXIT_THRESHOLD if crossed else EXIT_HELD))


def _list_models(context: click.Context) -> None:
    from harness.bench.models import MODELS
    from harness.bench.table import models
    from harness.terminal import show

    show(models(list(MODELS.values())))
    context.exit()


def _must_fit(context: click.Context, *, real: bool) -> None:
    """Raise UsageError for an option on the command line that has no effect; defaults from the environment or a file
    are ignored."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        fits = parameter.name in OF_BOTH or (parameter.name in OF_REAL) is real
        if not fits and given is click.core.ParameterSource.COMMANDLINE:
            what = "which times at most --rounds tracks with providers that respond at once" if real else "so add it"
            raise click.UsageError(f"{parameter.opts[0]} has no effect {'with' if real else 'without'} --real, {what}")


def _time_for_real(names: list[str], rounds: int, for_s: float, seed: int, outputs: "Outputs", *, quiet: bool) -> None:
    from harness.bench.wallclock import reality_json, time_all
    from harness.bench.wallclock_table import report
    from harness.engine.run import configured
    from harness.terminal import notifier, show

    implementations = [configured(name) for name in names]
    notify = notifier(None, quiet=quiet)
    growing = Growing(outputs, len(names) + 1, "timed")
    found = time_all(
        implementations,
        rounds,
        for_s,
        seed,
        notify=lambda name: notify(f"timing {name}"),
        on_timed=lambda found: growing.keep(len(found), lambda: reality_json(found, seed)),
    )
    problems = growing.end(reality_json(found, seed))
    if not quiet:
        show(report(found))
    raise click.exceptions.Exit(code_of_problems(problems, EXIT_HELD))


def _reference(requested: str | None, names: list[str]) -> str:
    """Return the requested reference; else `synchronous`, or the first implementation."""
    if requested is None:
        return "synchronous" if "synchronous" in names else names[0]
    if requested not in names:
        raise UnknownNameError("--reference", requested, names, "; expected an implementation of this bench")
    return requested


def _run(
    plan: "BenchPlan",
    names: list[str],
    workers: int | None,
    on_measured: "Callable[[Bench], None]",
    *,
    quiet: bool,
) -> "Bench":
    from harness.bench.running import bench as run_bench
    from harness.engine.pool import workers_for
    from harness.engine.run import configured
    from harness.terminal import progress

    implementations = [configured(name) for name in names]
    with progress(plan.tracks * len(names), "timing", quiet=quiet) as bar:
        return run_bench(
            plan,
            implementations,
            workers or workers_for(implementations),
            on_tracks=lambda count: None if bar is None else bar.advance(bar.task_ids[0], count),
            on_measured=on_measured,
        )


def _write_page(file: str, found: "Bench", reference: str) -> None:
    from harness.bench.html import page
    from harness.results.files import write_bytes

    write_bytes(file, page(found, reference))


def _show(found: "Bench", reference: str, before: "Baseline | None") -> None:
    from harness.bench.table import changes, report
    from harness.terminal import show

    show(report(found, reference))
    if before is not None:
        added = [each.name for each in found.figures if each.name not in before.figures]
        if added:
            show(f"not in {before.path}: {', '.join(added)}")
        show(changes(before.changes(found), before, before.is_same_plan(found)))
