"""The page of harness.toml."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from docs.generators.markdown import listed, one_line, table
from harness.cli.options_file import SETTINGS
from harness.config.app_config import PLACEHOLDERS, Settings
from harness.config.schema import ConfigBlock
from harness.invariants.logging import LOG_EVENTS
from harness.plugins import KINDS
from harness.stores.registry import STORES

TOML_HEAD = ("key", "default", "meaning", "example")

UNSPELLED = ("store",)
"""Fields that are not keys of the file: a plugin's store has a key of its own name."""


def harness_toml() -> Iterator[str]:
    yield (
        "# harness.toml\n\nDescribes an application that runs as a process of its own. `harness init` writes a first "
        "one, `harness doctor` checks it. The same tables may stand in `pyproject.toml`, below `[tool.harness]`. "
        "[Live applications](../guides/live-applications.md) shows complete examples.\n\n## Top level\n"
    )
    yield table(TOML_HEAD, list(_toml_rows(ConfigBlock)))
    for name, block in _toml_blocks(ConfigBlock).items():
        yield f"\n## [{name}]\n\n{one_line(block.__doc__ or '')}\n"
        yield table(TOML_HEAD, list(_toml_rows(block)))
        if name == "track":
            yield f"\nThe tracks are read at one place: {listed(STORES)}, or a plugin's store.\n"
    yield "\n## [logs]\n\nTexts that the application logs when something happens, for the warning "
    yield "[`logs-as-promised`](invariants.md): a text, or a list of texts in their order. The keys are "
    yield f"{listed(LOG_EVENTS)}.\n"
    yield (
        '\n## [invariants]\n\nHow runs in this folder are judged. `off = ["image-durable"]` switches invariants off, '
        '`severity = { image-native = "error" }` changes severities (`error` or `warning`). `--off NAME` and '
        "`--severity NAME=SEVERITY` add to it and take precedence.\n"
    )
    yield "\n## [plugins]\n\nWhat a project adds of its own, as lists of `module:NAME`; see "
    yield f"[Plugins](../guides/plugins.md). The keys are {listed(KINDS)}.\n"
    yield "\n## [options]\n\nDefaults of command-line options. A flag takes precedence over the environment variable, "
    yield "and the variable over this table; `harness config` shows the values in force.\n"
    rows = []
    for name, option in SETTINGS.items():
        rows.append(
            (f"`{name}`", f"`{option.variable}`", option.expected, "" if option.default is None else option.default)
        )
    yield table(("key", "environment variable", "value", "default"), rows)
    yield "\n## Placeholders\n\nIn `command`, `environment` and paths these names in braces are replaced: "
    yield f"{listed('{' + name + '}' for name in PLACEHOLDERS)}.\n"


def _toml_blocks(config: Any) -> dict[str, Any]:
    """The model of each table of harness.toml, by its name."""
    blocks = {name: _block_of(field.annotation) for name, field in config.model_fields.items()}
    return {name: block for name, block in blocks.items() if block is not None}


def _block_of(annotation: Any) -> Any:
    """The block among the parts of an annotation, if there is one."""
    if isinstance(annotation, type) and hasattr(annotation, "makes"):
        return annotation
    return next((block for part in get_args(annotation) if (block := _block_of(part)) is not None), None)


def _toml_rows(block: Any) -> Iterator[tuple[str, str, str, str]]:
    """A row for each key of a block."""
    defaults = _defaults(block)
    for name, field in block.model_fields.items():
        if name not in UNSPELLED:
            key = field.alias or name
            default = "required" if field.is_required() else _default(name, defaults.get(name.removesuffix("_")))
            example = f"`{_toml(field.examples[0])}`" if field.examples else ""
            yield f"`{key}`", default, field.description or "", example


def _defaults(block: Any) -> dict[str, Any]:
    """What holds for the keys that are omitted, by the names of the value that the block makes."""
    found = {}
    for field in dataclasses.fields(getattr(block, "makes", Settings)):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return found


def _toml(value: Any) -> str:
    """A value as TOML spells it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _default(name: str, value: Any) -> str:
    if value is None or value in ((), "", {}) or dataclasses.is_dataclass(value):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if name.endswith("_s"):
        return f'`"{value:g}s"`'
    return f"`{_toml(list(value) if isinstance(value, tuple) else value)}`"
