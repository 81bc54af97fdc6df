"""A finding: a key of a scenario file, and why it says something in vain."""

from dataclasses import dataclass

from harness.scenario.yaml import Where


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is said in vain."""

    where: Where
    """The path to the key in the file."""
    says: str
