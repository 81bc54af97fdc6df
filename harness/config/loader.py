"""Reading a harness.toml into `Settings`, or an error with every problem at its line and column."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.config.app_config import Application, Settings, Start, Supabase, TrackReading
from harness.config.environment import Surroundings
from harness.config.schema import CellConfig, ConfigBlock, command_words, schema_files
from harness.config.toml_marks import toml_marks
from harness.errors import ImplementationError
from harness.project_file import ProjectFile, project_file_here, read_project_file
from harness.scenario.problems import pydantic_problem, refusal_text
from harness.scenario.yaml import Problem

WHOLE = "settled_after_s", "quiet_after_s", "patience_s"


def read_settings(path: Path) -> Settings:
    """Return the settings in a file, or in that of a folder. Raise ImplementationError."""
    file = read_project_file(path)
    folder = file.path.parent
    written = _validated(ConfigBlock, file.tables, file)
    application: Application = written.application
    track: TrackReading = written.track or TrackReading()
    supabase: Supabase | None = written.supabase
    if supabase is not None:
        supabase = replace(supabase, schema_files=schema_files(supabase.schema, folder))
    elif not track.is_somewhere:
        track = replace(track, read="GET /tracks/{id}")
    _check_program(file, application, track)
    logs = tuple((event, text) for event, texts in (written.logs or {}).items() for text in texts)
    given = {name: getattr(written, name) for name in WHOLE if name in written.model_fields_set}
    start: Start = written.start or Start()
    if written.cell is not None:
        given["surroundings"] = written.cell
    return Settings(
        application, start, track, written.credits, supabase, written.cron or (), logs, path=file.path, **given
    )


def surroundings_here() -> Surroundings:
    """Return the surroundings in `[cell]` of the current folder's file. Raise ImplementationError."""
    file = project_file_here()
    if file is None or "cell" not in file.tables:
        return Surroundings()
    cell: Surroundings = _validated(CellConfig, {"cell": file.tables["cell"]}, file).cell
    return cell


def _validated(model: type[BaseModel], tables: Mapping[str, Any], file: ProjectFile) -> Any:
    try:
        return model.model_validate(dict(tables), context=file.path.parent)
    except ValidationError as error:
        marks = toml_marks(file.text)
        problems = [pydantic_problem(details, marks, model, file.prefix) for details in error.errors(include_url=False)]
        raise _refusal(problems, file) from None


def _check_program(file: ProjectFile, application: Application, track: TrackReading) -> None:
    """Raise ImplementationError for a track.command whose program does not exist, since every poll would fail."""
    words = command_words(track.command) if track.command is not None else []
    if not words or "{" in words[0]:
        return
    folder = file.path.parent / application.folder
    path = application.environment.get("PATH")
    if os.path.isfile(folder / words[0]) if "/" in words[0] else shutil.which(words[0], path=path):
        return
    where = (*file.prefix, "track", "command")
    mark = toml_marks(file.text).value_mark(where)
    says = f'starts "{words[0]}", and there is no such program; expected one to run'
    raise _refusal([Problem(mark, where[len(file.prefix) :], says)], file)


def _refusal(problems: list[Problem], file: ProjectFile) -> ImplementationError:
    return ImplementationError(refusal_text(problems, str(file.path), file.text))
