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
from pants_pyoxidizer.wheels.entry_point import parse_entry_point

TARGET_ALIAS = "pyoxidizer_binary"


class PyOxidizerOutputPathField(OutputPathField):
    help = help_text(
        f"""
        The folder to write the build to, relative to `--distdir` (e.g. `dist/`).

        By default, the path to the BUILD file with dots for slashes, then the target's name. For
        example, `output_path="my-app"`.

        Pants always appends `<target triple>/{{debug,release}}/install/<binary_name>`. With the
        default, `{bin_name()} package src/python/project:bin` might write
        `dist/src.python.project/bin/x86_64-unknown-linux-gnu/debug/install/bin`.

        Warning: setting this field risks naming collisions with your other package targets.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: str | None, address: Address) -> str | None:
        value = super().compute_value(raw_value, address)
        if value and (".." in PurePosixPath(value).parts or PurePosixPath(value).is_absolute()):
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{cls.alias}` field in target {address} is {value!r}, which is outside
                    the dist folder. To fix, use a relative path without `..`.
                    """
                )
            )
        if value and not value.isprintable():
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The `{cls.alias}` field in target {address} is {value!r}, which contains
                    line breaks or control characters. To fix, remove them.
                    """
                )
            )
        return value


class PyOxidizerBinaryNameField(StringField, AsyncFieldMixin):
    alias = "binary_name"
    help = help_text(
        """
        The file name of the executable.

        By default, the target's name. It also names a Rust crate, so it may contain only ASCII
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
                    The `{cls.alias}` field in target {address} is {value!r}, which cannot be
                    the name of a Rust crate. To fix, {CURE}.
                    """
                )
            )
        return value

    @property
    def name(self) -> str:
        """The requested name, or the target's; `value_or_default` also checks it."""
        return self.value or self.address.generated_name or self.address.target_name

    def value_or_default(self) -> str:
        """The binary's name.

        Raises:
            InvalidFieldException: when the default, the target's name, is not allowed.
        """
        name = self.name
        if not is_binary_name(name):
            raise InvalidFieldException(
                softwrap(
                    f"""
                    The target {self.address} does not set the `{self.alias}` field, and the
                    target's name {name!r} cannot be the name of a Rust crate. To fix, set
                    `{self.alias}`: {CURE}.
                    """
                )
            )
        return name


class PyOxidizerEntryPointField(StringField):
    alias = "entry_point"
    help = help_text(
        """
        What the binary runs.

        If unset, the binary starts a Python interpreter that can import all your code. It accepts
        the arguments of `python`; without arguments, it starts a REPL.

        `"path.to.module"` runs the module as `python -m path.to.module` does; for a package, this
        runs its `__main__`.

        `"path.to.module:func"` calls the function without arguments and uses its return value as
        the exit status, like a console script. For example, `entry_point="myproject.myapp:main"`.

        One of the binary's wheels must contain the module. Pants checks this before it builds the
        binary; it does not check that the function exists.
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

        At least one must produce a wheel: if you use `{GenerateSetupField.alias}=True`, keep the
        default `{WheelField.alias}=True`. See {doc_url(DISTRIBUTIONS_DOC)}.

        Usually, one `python_distribution` is enough. However, if its code imports code of another
        distribution in your repository, include both: Pants makes the first require the second,
        even if its `dependencies` field does not list it. Do not list third-party requirements:
        Pants resolves them as for any other Python target, from your lockfile if there is one.

        Targets of other types are ignored with a warning.
        """
    )


class PyOxidizerInterpreterField(BoolField):
    alias = "interpreter"
    default = True
    help = help_text(
        """
        Whether users who start the binary can have a Python interpreter instead of your program.

        By default, they can: with `PANTS_PYOXIDIZER_INTERPRETER=1` in the environment, the binary
        accepts the arguments of `python`, for example `-m path.to.module`, and can import all your
        code. So does `sys.executable`, which packages start as a Python.

        Set it to `False` if users who may start the binary, for example with `sudo`, must not run
        other code with it. Your program itself can still start its `sys.executable`.

        With a `template`, this field cannot be set.
        """
    )


class PyOxidizerPythonVariablesField(BoolField):
    alias = "python_variables"
    default = True
    help = help_text(
        """
        Whether the binary heeds the environment variables that `python` heeds.

        By default, it does: for example, with `PYTHONUNBUFFERED=1` in the environment, its output
        is not buffered. But `PYTHONPATH`, `PYTHONHOME`, `PYTHONOPTIMIZE` and `PYTHONINSPECT` are
        always ignored, and a binary that runs with more rights than the user who starts it
        (set-user-ID, file capabilities) ignores all of them.

        Set it to `False` to ignore all of them.

        With a `template`, this field cannot be set.
        """
    )


class PyOxidizerPythonField(StringField):
    alias = "python"
    help = help_text(
        """
        Overrides `[pyoxidizer].python` for this target.

        It takes the same values: `"host"`, `"pyoxidizer"`, or the address of a `standalone_python`
        target, for example `python="3rdparty/python:py311"`, or `python=":py311"` for one in the
        same BUILD file.
        """
    )


class PyOxidizerTemplateField(OptionalSingleSourceField):
    alias = "template"
    expected_file_extensions = (".bzlt",)
    help = help_text(
        """
        The path of your own PyOxidizer configuration, relative to the BUILD file, with the
        extension `.bzlt`.

        For example, `template="pyoxidizer.bzlt"`. If unset, PyOxidizer does not run for each
        binary. The template may use these parameters, as `$NAME` or `${NAME}`; write `$$` for a
        dollar sign:

          * `RUN_MODULE` - The statement that runs the `entry_point`; empty without one.

          * `NAME` - The binary's name, for use inside a string.

          * `WHEELS` - All wheel files, first- and third-party, for `exe.pip_install()`.

          * `UNCLASSIFIED_RESOURCE_INSTALLATION` - The code that adds the `filesystem_resources`.

          * `PYTHON_DISTRIBUTION` - The Python to embed, like `default_python_distribution()`.

        A host Python requires
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
        PyOxidizerPythonVariablesField,
        PyOxidizerPythonField,
        EnvironmentField,
    )
    help = help_text(
        f"""
        An executable that contains your code and a Python interpreter, built with PyOxidizer.

        To use it, create a `python_distribution` target with the code to include, as described at
        {doc_url(DISTRIBUTIONS_DOC)}, and list it in the `{PyOxidizerDependenciesField.alias}`
        field. Usually, also set the `{PyOxidizerEntryPointField.alias}` field:

            {TARGET_ALIAS}(
                name="bin",
                dependencies=[":dist"],
                entry_point="myproject.myapp:main",
            )

        `{bin_name()} package` writes it to `dist/`, and `{bin_name()} run` runs it. To build in
        Rust's release mode, set `[pyoxidizer].args` to `["--release"]`.
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
            PyOxidizerPythonVariablesField,
        ):
            if self[field].value != field.default:
                raise InvalidTargetException(
                    softwrap(
                        f"""
                        The `{field.alias}` field in target {self.address} is
                        {self[field].value!r}, but has no effect with a
                        `{PyOxidizerTemplateField.alias}`, which controls this itself. To fix,
                        remove one of the two fields.
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
                    `{entry_point.alias}` the binary is only an interpreter. To fix, set
                    `{entry_point.alias}` or remove `{interpreter.alias}`.
                    """
                )
            )
