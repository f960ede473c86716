# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The goal `pyoxidizer-config`: prints the configuration of a binary without building it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent
from typing import Any, Iterable

from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.target import Targets
from pants.util.logging import LogLevel
from pants.util.strutil import help_text

from pants_pyoxidizer import package_data
from pants_pyoxidizer.engine import (
    collect_rules,
    concurrently,
    get_digest_contents,
    goal_rule,
    implicitly,
    rule,
)
from pants_pyoxidizer.target_types import TARGET_ALIAS
from pants_pyoxidizer.util_rules.binary import (
    PyOxidizerFieldSet,
    collect_ingredients,
    template_config,
)
from pants_pyoxidizer.util_rules.rendered_config import (
    RenderedConfigRequest,
    render_config,
)
from pants_pyoxidizer.wheels import placement
from pants_pyoxidizer.wheels.placement import Placement

START_TEMPLATE = "templates/start.bzlt"


class PyOxidizerConfigSubsystem(GoalSubsystem):
    name = "pyoxidizer-config"
    help = help_text(
        f"""
        Print the PyOxidizer configuration of `{TARGET_ALIAS}` targets and where their code goes,
        without building them.

        For a target with a `template`, print the template with its parameters filled in. For a
        target without, print a starting point for your own template, for example
        `pants pyoxidizer-config project:bin > project/pyoxidizer.bzlt`.
        """
    )


class PyOxidizerConfigGoal(Goal):
    subsystem_cls = PyOxidizerConfigSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@dataclass(frozen=True)
class ShownConfig:
    """A configuration, after comments about the target and its wheels."""

    text: str


@rule(level=LogLevel.DEBUG)
async def show_config(field_set: PyOxidizerFieldSet) -> ShownConfig:
    ingredients = await collect_ingredients(field_set, **implicitly())
    placements = ingredients.contents.placements
    if field_set.template.value is None:
        comment = _start_comment(field_set.address, placements).replace("$", "$$")
        return ShownConfig(comment + package_data.read(START_TEMPLATE).decode())
    request = RenderedConfigRequest(field_set.template, template_config(ingredients))
    rendered = await render_config(request, **implicitly())
    contents = await get_digest_contents(rendered.digest)
    comment = _comment(
        f"The configuration of {field_set.address}, from {field_set.template.file_path}. Its wheels:",
        placement.table(placements),
    )
    return ShownConfig(comment + contents[0].content.decode())


def _start_comment(address: Address, placements: tuple[Placement, ...]) -> str:
    in_lib = "".join(
        f'    "{p.wheel.name}=={p.wheel.version}",\n' for p in placements if p.on_filesystem
    )
    fields = 'template="pyoxidizer.bzlt",\n'
    if in_lib:
        fields += f"filesystem_resources=[\n{in_lib}],\n"
    return _comment(
        f"{address} has no template. Where its code goes:", placement.table(placements)
    ) + _comment("To start one, save this next to the BUILD file, and add to the target:", fields)


def _comment(sentence: str, block: str) -> str:
    """Starlark comments with this sentence and block, whatever line breaks they contain."""
    lines = f"{sentence}\n\n{indent(block.rstrip(), '    ')}\n\n".splitlines()
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


@goal_rule
async def show_configs(targets: Targets, console: Console) -> PyOxidizerConfigGoal:
    shown = await concurrently(
        show_config(PyOxidizerFieldSet.create(target), **implicitly())
        for target in targets
        if PyOxidizerFieldSet.is_applicable(target)
    )
    console.print_stdout("\n".join(config.text for config in shown), end="")
    return PyOxidizerConfigGoal(exit_code=0)


def rules() -> Iterable[Any]:
    return collect_rules()
