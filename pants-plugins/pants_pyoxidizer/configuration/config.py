# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""PyOxidizer configurations, as text."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pants_pyoxidizer import package_data
from pants_pyoxidizer.configuration import starlark, template
from pants_pyoxidizer.wheels.entry_point import EntryPoint, run_command


@dataclass(frozen=True)
class PythonArchive:
    """A standalone Python archive in the sandbox of the process that runs PyOxidizer."""

    path: str
    sha256: str
    minor_version: str  # As in "3.11".

    @property
    def expression(self) -> str:
        return (
            f"PythonDistribution(sha256={starlark.string(self.sha256)}, "
            f'local_path={starlark.string(self.path)}, flavor="standalone")'
        )


@dataclass(frozen=True)
class PyOxidizerPython:
    """One of the Pythons that PyOxidizer downloads itself."""

    minor_version: str

    @property
    def expression(self) -> str:
        return f"default_python_distribution(python_version={starlark.string(self.minor_version)})"


@dataclass(frozen=True)
class Config:
    """What one binary consists of.

    `wheels` and `filesystem_wheels` are paths of wheel files, relative to the sandbox's root. Each
    lists all that pip needs, so that pip has nothing to look for.
    """

    name: str
    python: PythonArchive | PyOxidizerPython
    entry_point: EntryPoint | None
    wheels: tuple[str, ...]
    filesystem_wheels: tuple[str, ...] = ()

    def parameters(self) -> dict[str, str]:
        return {
            "NAME": starlark.escape(self.name),
            "PYTHON_DISTRIBUTION": self.python.expression,
            "RUN_MODULE": self._run_module(),
            "UNCLASSIFIED_RESOURCE_INSTALLATION": self._filesystem_installation(),
            "WHEELS": self._wheels(),
        }

    def render(self, template_text: str) -> str:
        """The whole configuration.

        Raises:
            template.TemplateError: when the template is wrong.
        """
        return self._prelude() + template.render(template_text, self.parameters())

    def line_numbers(self, template_text: str) -> tuple[int, ...]:
        """For each line of `render`'s, the one of the template that it comes from, 0 for none."""
        ours = self._prelude().count("\n") * (0,)
        return ours + template.line_numbers(template_text, self.parameters())

    def _prelude(self) -> str:
        # Templates written for Pants' own backend ask for `default_python_distribution()`, which
        # would be a download. They get the Python that was chosen for this binary.
        if isinstance(self.python, PyOxidizerPython):
            return ""
        version = self.python.minor_version
        return (
            'def default_python_distribution(flavor="standalone", build_target=None, '
            "python_version=None):\n"
            f'    if python_version not in [None, "{version}"]:\n'
            '        fail("the template asks for Python " + python_version + ", but '
            f'`[pyoxidizer].python` and the interpreter constraints give {version}")\n'
            f"    return {self.python.expression}\n"
        )

    def _run_module(self) -> str:
        if self.entry_point is None:
            return ""
        return f"python_config.run_command = {starlark.string(run_command(self.entry_point))}"

    def _wheels(self) -> str:
        if not self.wheels:
            # `pip install` without any argument is an error.
            return starlark.string_list(("--requirement", os.devnull))
        # Without this, pip would find what must lie on the filesystem as a dependency of
        # something else, and PyOxidizer would embed it as well.
        options = ("--no-deps",) if self.filesystem_wheels else ()
        return starlark.string_list((*options, *self.wheels))

    def _filesystem_installation(self) -> str:
        if not self.filesystem_wheels:
            return ""
        wheels = starlark.string_list(("--no-deps", *self.filesystem_wheels))
        # A policy with `file_scanner_emit_files`, as our default template's, yields plain files,
        # which serve packages that look for their own data and libraries. Any other policy
        # yields modules and resources only, as in Pants' own backend.
        return (
            f"filesystem_resources = exe.pip_install({wheels})\n"
            "filesystem_files = "
            '[resource for resource in filesystem_resources if type(resource) == "File"]\n'
            "for resource in filesystem_files or filesystem_resources:\n"
            "    resource.add_include = True\n"
            '    resource.add_location = "filesystem-relative:lib"\n'
            "    exe.add_python_resource(resource)"
        )


def runtime_config(
    python: PythonArchive | PyOxidizerPython, *, name: str, startup_dir: str, rarely_used_dir: str
) -> str:
    """The configuration of an executable that has no program yet.

    The folder `startup_dir` has the package `pants_pyoxidizer`. The folder `seldom_dir` is written,
    with modules of the standard library that are not inside.
    """
    return template.render(
        package_data.read("templates/runtime.bzlt").decode(),
        {
            "NAME": starlark.escape(name),
            "PYTHON_DISTRIBUTION": python.expression,
            "RARELY_USED_DIR": starlark.escape(rarely_used_dir),
            "STARTUP_DIR": starlark.escape(startup_dir),
            # The curses of a Python of this machine is the system's, and knows where to look.
            "TERMINFO": "none" if isinstance(python, PythonArchive) else "dynamic",
        },
    )
