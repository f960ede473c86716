# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from pathlib import PurePosixPath

from pants.backend.python.target_types import GenerateSetupField, WheelField
from pants.build_graph.address import Address
from pants.core.goals.package import OutputPathField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    BoolField,
    Dependencies,
    InvalidFieldException,
    InvalidTargetException,
    OptionalSingleSourceField,
    StringField,
    Target,
)
from pants.util.docutil import bin_name, doc_url
from pants.util.strutil import help_text, softwrap

from pants_pyoxidizer.binary_name import CURE, is_binary_name
from pants_pyoxidizer.engine import DISTRIBUTIONS_DOC, EnvironmentField
from pants_pyoxidizer.placement_fields import (
    PyOxidizerFilesystemResourcesField,
    PyOxidizerIncludeSourcesField,
    PyOxidizerPayloadField,
    PyOxidizerResourcesField,
)
from pants_pyoxidizer.startup.start import VARIABLE as INTERPRETER_VARIABLE
from pants_pyoxidizer.wheels.entry_point import parse_entry_point

TARGET_ALIAS = "pyoxidizer_binary"


class PyOxidizerOutputPathField(OutputPathField):
    help = help_text(
        f"""
        The folder for the built directory tree, below `--distdir` (e.g. `dist/`).

        By default, the path to the BUILD file with dots for slashes, then the target's name. For
        example, `output_path="my-app"`.

        Either way, `<target triple>/{{debug,release}}/install/<binary_name>` is appended. With the
        default, `{bin_name()} package src/python/project:bin` might write
        `dist/src.python.project/bin/x86_64-unknown-linux-gnu/debug/install/bin`.

        Warning: setting this value risks naming collisions with other package targets you may
        have.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: str | None, address: Address) -> str | None:
        value = super().compute_value(raw_value, address)
        if value and (".." in PurePosixPath(value).parts or PurePosixPath(value).is_absolute()):
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{cls.alias}` field in target {address} is {value!r}, which lies outside
                    the dist folder. To fix, use a relative path without `..`.
                    """
                )
            )
        if value and not value.isprintable():
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{cls.alias}` field in target {address} is {value!r}, which has line breaks
                    or control characters in it. To fix, remove them.
                    """
                )
            )
        return value


class PyOxidizerBinaryNameField(StringField, AsyncFieldMixin):
    alias = "binary_name"
    help = help_text(
        """
        The file name of the executable.

        By default, the target's name. PyOxidizer makes a Rust crate of it, so it consists of ASCII
        letters, digits, `_` and `-`. For example, `binary_name="my-app"`.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: str | None, address: Address) -> str | None:
        value = super().compute_value(raw_value, address)
        if value is not None and not is_binary_name(value):
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{cls.alias}` field in target {address} is {value!r}, which cannot name a
                    Rust crate. To fix, {CURE}.
                    """
                )
            )
        return value

    @property
    def name(self) -> str:
        """What is asked for; `value_or_default` checks it."""
        return self.value or self.address.generated_name or self.address.target_name

    def value_or_default(self) -> str:
        """The binary's name.

        Raises:
            InvalidFieldException: when the default, the target's name, cannot be one.
        """
        name = self.name
        if not is_binary_name(name):
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The target {self.address} has no `{self.alias}` field, and its own name
                    {name!r} cannot name a Rust crate. To fix, set `{self.alias}`:
                    {CURE}.
                    """
                )
            )
        return name


class PyOxidizerEntryPointField(StringField):
    alias = "entry_point"
    help = help_text(
        """
        What runs when the binary is started.

        By default, nothing of yours: the binary is a Python interpreter with all your code
        importable. It takes the arguments that `python` takes, and is a REPL without any.

        `"path.to.module"` runs the module as `python -m path.to.module` does; for a package, that
        is its `__main__`.

        `"path.to.module:func"` calls the function without arguments, and its return value is the
        exit status, as with a console script. For example, `entry_point="myproject.myapp:main"`.

        The module (not the function) must be in one of the wheels that go into the binary. This is
        checked before anything is built.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: str | None, address: Address) -> str | None:
        value = super().compute_value(raw_value, address)
        if value is not None:
            try:
                parse_entry_point(value)
            except ValueError as e:
                raise InvalidFieldException(
                    softwrap(
                        f"""
                        The `{cls.alias}` field in target {address} is {value!r}: {e} To fix, use
                        `path.to.module` or `path.to.module:func`.
                        """
                    )
                ) from None
        return value


class PyOxidizerDependenciesField(Dependencies):
    required = True
    supports_transitive_excludes = True
    help = help_text(
        f"""
        The addresses of the `python_distribution` targets to include in the binary, for example
        `["src/python/project:dist"]`.

        At least one must give a wheel: if you use `{GenerateSetupField.alias}=True`, leave
        `{WheelField.alias}=True` as it is by default. See {doc_url(DISTRIBUTIONS_DOC)}.

        Usually, one `python_distribution` is enough. However, if its code imports code of another
        distribution in your repository, include both: Pants makes the one require the other, even
        when its own `dependencies` field does not say so. Third-party requirements need no entry:
        they are resolved as for any other Python target, from your lockfile if there is one.

        Targets of other types are ignored with a warning.
        """
    )


class PyOxidizerInterpreterField(BoolField):
    alias = "interpreter"
    default = True
    help = help_text(
        f"""
        Whether the binary can be asked to be a Python interpreter instead of your program.

        By default, it can: with `{INTERPRETER_VARIABLE}=1` in the environment, it takes the
        arguments that `python` takes, for example `-m path.to.module`. All your code is importable.

        Set it to `False` when those who can start the binary must not run other code with it, for
        example because `sudo` lets them.

        With a `template`, this field cannot be set.
        """
    )


class PyOxidizerPythonField(StringField):
    alias = "python"
    help = help_text(
        """
        Which Python goes in, if not the one that the option `[pyoxidizer].python` says.

        The values are the same: `"host"`, `"pyoxidizer"`, or the address of a `standalone_python`
        target: for example `python="3rdparty/python:py311"`, or `python=":py311"` for one of the
        same BUILD file.
        """
    )


class PyOxidizerTemplateField(OptionalSingleSourceField):
    alias = "template"
    expected_file_extensions = (".bzlt",)
    help = help_text(
        """
        A PyOxidizer configuration of your own, with the extension `.bzlt`.

        By default, none: PyOxidizer does not run for each binary then. The path is relative to the
        BUILD file, for example `template="pyoxidizer.bzlt"`. Parameters are written `$NAME` or
        `${NAME}`, and `$$` is a dollar sign:

          * `RUN_MODULE` - The statement that runs the `entry_point`, or nothing.

          * `NAME` - The binary's name, for use inside a string.

          * `WHEELS` - All wheel files, first- and third-party, for `exe.pip_install()`.

          * `UNCLASSIFIED_RESOURCE_INSTALLATION` - What adds the `filesystem_resources`.

          * `PYTHON_DISTRIBUTION` - The Python; `default_python_distribution()` is the same.

        A Python of this machine needs
        `policy.resources_location_fallback = "filesystem-relative:lib"`.
        """
    )


class PyOxidizerBinaryTarget(Target):
    alias = TARGET_ALIAS
    core_fields = (
        *COMMON_TARGET_FIELDS,
        PyOxidizerOutputPathField,
        PyOxidizerBinaryNameField,
        PyOxidizerTemplateField,
        PyOxidizerDependenciesField,
        PyOxidizerEntryPointField,
        PyOxidizerResourcesField,
        PyOxidizerFilesystemResourcesField,
        PyOxidizerPayloadField,
        PyOxidizerIncludeSourcesField,
        PyOxidizerInterpreterField,
        PyOxidizerPythonField,
        EnvironmentField,
    )
    help = help_text(
        f"""
        An executable with your code and a Python interpreter inside, built with PyOxidizer.

        To use it, create a `python_distribution` target with the code to include, as described at
        {doc_url(DISTRIBUTIONS_DOC)}, and name it in the `{PyOxidizerDependenciesField.alias}`
        field. Usually, also set the `{PyOxidizerEntryPointField.alias}` field:

            {TARGET_ALIAS}(
                name="bin",
                dependencies=[":dist"],
                entry_point="myproject.myapp:main",
            )

        `{bin_name()} package` writes it below `dist/`, and `{bin_name()} run` starts it. To build
        in Rust's release mode, set `[pyoxidizer].args` to `["--release"]`.
        """
    )

    def validate(self) -> None:
        if self[PyOxidizerTemplateField].value is None:
            self._check_that_something_runs()
            return
        for field in (
            PyOxidizerResourcesField,
            PyOxidizerPayloadField,
            PyOxidizerIncludeSourcesField,
            PyOxidizerInterpreterField,
        ):
            if self[field].value != field.default:
                raise InvalidTargetException(
                    softwrap(
                        f"""
                        The `{self.alias}` target {self.address} has a
                        `{PyOxidizerTemplateField.alias}`, which decides itself what its
                        `{field.alias}` field, {self[field].value!r}, is about. To fix, remove
                        one of the two.
                        """
                    )
                )

    def _check_that_something_runs(self) -> None:
        interpreter, entry_point = PyOxidizerInterpreterField, PyOxidizerEntryPointField
        if not self[interpreter].value and self[entry_point].value is None:
            raise InvalidTargetException(
                softwrap(
                    f"""
                    The `{interpreter.alias}` field in target {self.address} is False, but without
                    `{entry_point.alias}` the binary is an interpreter, and nothing else. To fix,
                    set `{entry_point.alias}`, or remove `{interpreter.alias}`.
                    """
                )
            )
