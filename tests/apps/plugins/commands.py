"""A command of a user's own."""

import click

from harness.scenario import catalogue


@click.command()
@click.argument("group")
def count(group: str) -> None:
    """Count the scenarios of GROUP."""
    click.echo(f"{group}: {len(catalogue.select([group]))}")
