"""`harness bench`."""

from typing import TYPE_CHECKING

import click

from harness.cli.completion import complete_files, complete_implementations, complete_models
from harness.cli.help import GroupedCommand
from harness.cli.options import implementation_of, json_option, seed_option, workers_option
from harness.errors import EXIT_THRESHOLD, HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.bench.figures import Bench
    from harness.bench.json_format import Baseline
    from harness.bench.thresholds import Threshold
    from harness.bench.world import BenchPlan

TRACKS = 5_000
PER_MINUTE = 6.0
CHUNK = 50
_FIGURES = "applies to simulated figures; omit it with --real"
_PROVIDERS = "applies to simulated latencies; with --real the fakes respond at once, so omit it"
OF_THE_SIMULATION = {
    **dict.fromkeys(("sentences", "baseline_file", "save_baseline", "html_file", "reference"), _FIGURES),
    **dict.fromkeys(("model", "samples", "rate"), _PROVIDERS),
    "tracks": "applies to simulated tracks; with --real use --rounds",
    "workers": "applies to simulated tracks; --real times one track at a time, so omit it",
}
OF_REAL = dict.fromkeys(("rounds", "for_s"), "applies only with --real; add --real or omit it")
"""The options without effect, with and without `--real`, and the reason for each."""


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
    default="typical",
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
    type=click.FloatRange(0.1, 600),
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
    "--save-baseline", metavar="FILE", shell_complete=complete_files, help="Save the figures for a later --baseline."
)
@click.option(
    "--baseline",
    "baseline_file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Report what changed since FILE was saved.",
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
    type=click.FloatRange(1, 600),
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
    if real:
        _time_for_real(names, rounds, for_s, seed, json_file, quiet=quiet)
        return
    from harness.bench.json_format import read_baseline
    from harness.bench.models import model_called
    from harness.bench.samples import with_samples
    from harness.bench.thresholds import read_threshold
    from harness.bench.world import BenchPlan

    chosen = model_called(model)
    if samples is not None:
        chosen = with_samples(chosen, samples)
    thresholds = [read_threshold(sentence, names) for sentence in sentences]
    reference = _reference(reference, names)
    is_for_a_program = _outputs(json_file, save_baseline, html_file, samples)
    before = None if baseline_file is None else _comparable(read_baseline(baseline_file), names)
    found = _run(BenchPlan(chosen, seed, tracks, rate, CHUNK), names, workers, quiet=quiet or is_for_a_program)
    _write(found, reference, (json_file, save_baseline), html_file)
    if not is_for_a_program and not quiet:
        _notify(found, reference, before)
    _judge(found, thresholds)


def _comparable(before: "Baseline", names: "Sequence[str]") -> "Baseline":
    """Return the baseline. Raise HarnessError if it has none of the implementations."""
    if not set(names) & before.figures.keys():
        raise HarnessError(
            f"--baseline {before.path}: expected figures of {', '.join(names)}, found "
            f"{', '.join(before.figures) or 'none'}"
        )
    return before


def _outputs(json_file: str | None, save_baseline: str | None, html_file: str | None, samples: str | None) -> bool:
    """Check the files before anything runs; return whether one of them is stdout, so that no tables are printed."""
    from harness.results.files import must_be_apart, must_be_writable

    if save_baseline == "-":
        raise HarnessError('--save-baseline: expected a file, found "-"; --json "-" writes the same to stdout')
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
    """Raise UsageError for an option on the command line that has no effect; defaults from the environment or a file
    are ignored."""
    unfit = OF_THE_SIMULATION if real else OF_REAL
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if parameter.name in unfit and given is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} {unfit[parameter.name]}")


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
    """Return the requested reference; else `synchronous`, or the first of several implementations."""
    from harness.errors import UnknownNameError

    if requested is not None:
        if requested not in names:
            raise UnknownNameError("--reference", requested, names, "; expected an implementation of this bench")
        return requested
    if "synchronous" in names:
        return "synchronous"
    return names[0] if len(names) > 1 else None


def _run(plan: "BenchPlan", names: list[str], workers: int | None, *, quiet: bool) -> "Bench":
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
    """Report the exceeded thresholds, and exit with their exit code if there is any."""
    from harness.bench.table import value_text
    from harness.terminal import complain

    crossed = False
    for threshold in thresholds:
        for name, value in threshold.broken_by(found.figures):
            crossed = True
            complain(f"--fail-if {threshold.text}: {name} has {value_text(threshold.metric, value)}")
    if crossed:
        raise click.exceptions.Exit(EXIT_THRESHOLD)
