"""The scenarios that the admin endpoints may switch to: shipped ones, and files below one folder."""

from pathlib import Path

from harness.errors import HarnessError, UnknownNameError
from harness.scenario import catalogue
from harness.scenario.loader import read_scenario
from harness.scenario.model import Scenario

EXPECTED = (
    "expected a shipped scenario, or a scenario file (*.yaml, *.yml) below the folder in which `harness serve` was "
    "started; send the text of any other file as the body"
)
PATH_CHARACTERS_MAX = 4_096
SHOWN_CHARACTERS_MAX = 100


class NotPermittedError(HarnessError):
    """A path leads to something else than a scenario file below the folder."""


class PermittedScenarios:
    """The shipped scenarios, and the scenario files that really are below a folder, wherever symbolic links lead."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def scenario(self, name: str) -> Scenario:
        """Return the scenario of a shipped name, a pattern over them, or a path, which is taken from the folder.

        Raise NotPermittedError for a path that may not be opened, without looking at what is there, and another
        HarnessError for anything else that is not exactly one valid scenario.
        """
        shipped = catalogue.shipped_files(name)
        if len(shipped) > 1:
            raise HarnessError(f'"{name}" matches {len(shipped)} scenarios, expected one')
        if shipped:
            ((shipped_name, path),) = shipped.items()
            return read_scenario(path, name=shipped_name)
        if not _is_path(name):
            raise UnknownNameError("scenario", name, catalogue.shipped_names())
        return read_scenario(catalogue.as_the_user_names_it(self._file(name)))

    def _file(self, name: str) -> Path:
        """Return where a path leads, which is below the folder."""
        if len(name) > PATH_CHARACTERS_MAX:
            raise HarnessError(f'"name": "{name[:SHOWN_CHARACTERS_MAX]}..." is too long for a path; {EXPECTED}')
        try:
            path = (self._folder / name).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a name too long, a circle of links, a zero byte
            reason = getattr(error, "strerror", None) or error
            raise NotPermittedError(f'"name": "{name}" cannot be a path ({reason}); {EXPECTED}') from None
        if not path.is_relative_to(self._folder):
            raise NotPermittedError(f'"name": "{name}" leads out of the folder; {EXPECTED}')
        if path.suffix not in catalogue.SUFFIXES:
            raise NotPermittedError(f'"name": "{name}" is no scenario file; {EXPECTED}')
        return path


def _is_path(name: str) -> bool:
    path = Path(name)
    return path.is_absolute() or ".." in path.parts or path.suffix in catalogue.SUFFIXES
