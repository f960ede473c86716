# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The demo: a command with a third-party requirement."""

from __future__ import annotations

import platform
import sys

import click


@click.command()
@click.option("--name", default="world", show_default=True, help="Whom to greet.")
def main(name: str) -> None:
    """Greet somebody, and say which Python does it."""
    click.echo(f"Hello, {name}! This is Python {platform.python_version()} in {sys.executable}.")


if __name__ == "__main__":
    main()
