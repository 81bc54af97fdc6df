"""Python implementations: what `module:attribute` or `file.py:attribute` names."""

import importlib
import importlib.util
import inspect
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.config.environment import Surroundings
from harness.errors import ImplementationError, nearest_hint
from harness.faults.exchange import App
from harness.invariants.logging import LOG_EVENTS
from harness.project_file import name_clash
from harness.targets.callback import application_around
from harness.targets.limits import Limits
from harness.targets.modules import forget_libraries, forget_own_modules
from harness.world.code_location import is_own_code
from harness.world.simulated.environment import first_line

SHAPES = (
    "an ASGI application (three parameters: scope, receive, send), a factory that returns one (no parameter), or a "
    "callback function (two parameters: payload, track)"
)


WSGI = (["environ", "start_response"], ["env", "start_response"])
"""Usual names of the last parameters of a WSGI application."""


@dataclass(slots=True)
class Implementation:
    """A Python implementation: a target, and its name in reports."""

    target: str
    name: str
    shipped: bool = False
    """Whether it is a shipped strategy, whose modules hold no state and are imported once."""
    cron_path: str | None = None
    promised_logs: tuple[tuple[str, str], ...] = ()
    limits: Limits = field(default_factory=Limits)
    """The limits of its cell."""
    surroundings: Surroundings = field(default_factory=Surroundings)
    in_process: bool = False
    """Whether it runs in the harness's own process, for a debugger, instead of a cell."""
    has_started: bool = False
    """Whether it has started before in this process."""

    def start(self) -> App:
        """Return a fresh application, configured from the environment. Raise ImplementationError if it cannot start.

        A later start in the same process may fail only because a library remembers the first (the name of an
        application, settings), which a new process would not: then libraries are imported anew, too.
        """
        try:
            app = self._start()
        except Exception:
            if not self.has_started or not forget_libraries():
                raise
            app = self._start()
        self.has_started = True
        return app

    def _start(self) -> App:
        module_name, attribute = _split(self.target)
        module = importlib.import_module(module_name) if self.shipped else _import_afresh(module_name)
        self.cron_path = _declared_cron(module)
        self.promised_logs = _declared_logs(module)
        found = _attribute(module, attribute, self.target)
        if self.shipped:
            app: App = found()
            return app
        return _application(found, self.target)


@dataclass(frozen=True, slots=True)
class Unstarted:
    """An implementation that does not start; its runs are inconclusive."""

    name: str
    why: str
    """The error, as a sentence."""


def load(target: str, name: str | None = None, *, shipped: bool = False) -> Implementation:
    """Return the implementation that `target` names; only its syntax is checked, the rest when it is started."""
    _split(target)
    return Implementation(target, name or target, shipped)


def _split(target: str) -> tuple[str, str]:
    module, colon, attribute = target.rpartition(":")
    if not colon or not module or not attribute:
        raise ImplementationError(
            f'"{target}" does not name an implementation; expected module:attribute (shop.web:app), '
            "file.py:attribute, or the name of a strategy"
        )
    return module, attribute


def _import_afresh(module_name: str) -> ModuleType:
    """Import a module afresh. Raise ImplementationError if it does not exist or raises."""
    clash = name_clash(Path.cwd())
    if clash is not None:
        raise ImplementationError(clash)
    if module_name.endswith(".py") or os.sep in module_name:
        forget_own_modules()
        return _import_file(Path(module_name))
    forget_own_modules(module_name)
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise ImplementationError(f'no module "{module_name}" in {here} or among the installed packages') from error
        raise ImplementationError(f'"{module_name}" imports "{error.name}", which is not installed') from error
    except BaseException as error:
        raise ImplementationError(_raised(module_name, error)) from error


def _import_file(path: Path) -> ModuleType:
    if not os.path.isfile(path):
        raise ImplementationError(f'no such file: "{path}"')
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImplementationError(f'"{path}" is not a Python file')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        raise ImplementationError(_raised(str(path), error)) from error
    return module


def _raised(where: str, error: BaseException) -> str:
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if is_own_code(file):
            line = f" ({Path(file).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f'importing "{where}" raises {first_line(error)}{line}'


def _attribute(module: ModuleType, attribute: str, target: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            hint = nearest_hint(part, _own_names(found, module))
            raise ImplementationError(f'"{target}": {module.__name__} has no attribute "{part}"{hint}')
        found = getattr(found, part)
    return found


def _own_names(found: Any, module: ModuleType) -> list[str]:
    """Return the public names of an object that may be, or may hold, an application: nothing that is only imported."""
    public = {name: value for name, value in vars(found).items() if not name.startswith("_")}
    return [name for name, value in public.items() if _may_be_an_application(value, module)]


def _may_be_an_application(value: Any, module: ModuleType) -> bool:
    if inspect.isfunction(value) or inspect.isclass(value):
        return value.__module__ == module.__name__
    return not isinstance(value, ModuleType | str | int | float | list | tuple | dict | set)


def _application(found: Any, target: str) -> App:
    if not callable(found):
        raise ImplementationError(f'"{target}" is {_article(found)}, expected {SHAPES}')
    required = _required_parameters(found, target)
    if required == 0:
        made = found()
        if inspect.iscoroutine(made):
            made.close()
            raise ImplementationError(f'the factory "{target}" is async; make it a plain function')
        app = _plugged_in(made, f"{target}()")
        if app is None:
            raise ImplementationError(
                f'the factory "{target}" returned {_article(made)}, expected an ASGI application or a callback function'
            )
        return app
    app = _plugged_in(found, target)
    if app is None:
        raise ImplementationError(f'"{target}" takes {required} parameters, expected {SHAPES}')
    return app


def _plugged_in(found: Any, target: str) -> App | None:
    """Return `found` as an application; None if it is neither that nor a callback function."""
    required = _required_parameters(found, target) if callable(found) else None
    if required == 3:
        app: App = found
        return app
    return application_around(found) if required == 2 else None


def _required_parameters(found: Any, target: str) -> int:
    """Return the number of required parameters. Raise ImplementationError for WSGI and for hidden parameters."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return 3
    kinds = {parameter.kind for parameter in parameters}
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if hasattr(found, "wsgi_app") or [each.name for each in positional[-2:]] in WSGI:
        raise ImplementationError(
            f'"{target}" is a WSGI application (Flask, Django), expected {SHAPES}; run it on its own server: '
            "`harness init` writes a harness.toml that starts it, then `harness run harness.toml`"
        )
    if inspect.Parameter.VAR_POSITIONAL in kinds and not positional:
        raise ImplementationError(
            f'"{target}" takes *args, which hides its parameters; put functools.wraps(function) on the '
            f"wrapper inside its decorator, or name the parameters; expected {SHAPES}"
        )
    return sum(1 for parameter in positional if parameter.default is parameter.empty)


def _article(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _declared_cron(module: ModuleType) -> str | None:
    path = getattr(module, "CRON_PATH", None)
    if path is not None and not (isinstance(path, str) and path.startswith("/")):
        raise ImplementationError(f'{module.__name__}.CRON_PATH is {path!r}, expected a path such as "/cron"')
    return path


def _declared_logs(module: ModuleType) -> tuple[tuple[str, str], ...]:
    declared = getattr(module, "PROMISED_LOGS", ())
    try:
        declared_logs = tuple((str(event), str(text)) for event, text in declared)
    except (TypeError, ValueError):
        raise ImplementationError(f"{module.__name__}.PROMISED_LOGS is not a sequence of (event, text) pairs") from None
    for event, _text in declared_logs:
        if event not in LOG_EVENTS:
            raise ImplementationError(
                f'{module.__name__}.PROMISED_LOGS: unknown event "{event}"{nearest_hint(event, LOG_EVENTS)} '
                f"(known: {', '.join(LOG_EVENTS)})"
            )
    return declared_logs
