# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Renders PyOxidizer configurations."""

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
    minor_version: str  # For example, "3.11".

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
    """What a binary consists of.

    `wheels` and `filesystem_wheels` are paths of wheel files, relative to the sandbox's root. Each
    list is complete, so that pip searches for nothing.
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
            template.TemplateError: if the template is invalid.
        """
        return self._prelude() + template.render(template_text, self.parameters())

    def line_numbers(self, template_text: str) -> tuple[int, ...]:
        """For each line of `render`'s result, the template's line that it comes from, or 0."""
        ours = self._prelude().count("\n") * (0,)
        return ours + template.line_numbers(template_text, self.parameters())

    def _prelude(self) -> str:
        # Templates written for Pants' own backend call `default_python_distribution()`, which
        # downloads a Python. This definition returns the Python chosen for this binary instead.
        if isinstance(self.python, PyOxidizerPython):
            return ""
        version = self.python.minor_version
        return (
            'def default_python_distribution(flavor="standalone", build_target=None, '
            "python_version=None):\n"
            f'    if python_version not in [None, "{version}"]:\n'
            '        fail("the template requests Python " + python_version + ", but '
            f'`[pyoxidizer].python` and the interpreter constraints select {version}")\n'
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
        # Otherwise, pip would install wheels that must be on the filesystem as dependencies of
        # others, and PyOxidizer would embed them, too.
        options = ("--no-deps",) if self.filesystem_wheels else ()
        return starlark.string_list((*options, *self.wheels))

    def _filesystem_installation(self) -> str:
        if not self.filesystem_wheels:
            return ""
        wheels = starlark.string_list(("--no-deps", *self.filesystem_wheels))
        # A policy with `file_scanner_emit_files`, such as that of our start template, yields plain
        # files, for packages that search for their own data and libraries. Other policies yield
        # only modules and resources, as in Pants' own backend.
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
    """The configuration of the runtime, an executable without a program.

    The folder `startup_dir` contains the package `pants_pyoxidizer`. PyOxidizer writes rarely used
    modules of the standard library to the folder `rarely_used_dir` instead of embedding them.
    """
    return template.render(
        package_data.read("templates/runtime.bzlt").decode(),
        {
            "NAME": starlark.escape(name),
            "PYTHON_DISTRIBUTION": python.expression,
            "RARELY_USED_DIR": starlark.escape(rarely_used_dir),
            "STARTUP_DIR": starlark.escape(startup_dir),
            # The curses of a Python on this machine is the system's, which finds terminfo itself.
            "TERMINFO": "none" if isinstance(python, PythonArchive) else "dynamic",
        },
    )
