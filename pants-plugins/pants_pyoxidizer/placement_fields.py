# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The fields of `pyoxidizer_binary` that control where and how code is stored."""

from __future__ import annotations

from typing import Iterable, Optional, Tuple

from packaging.requirements import InvalidRequirement, Requirement
from pants.build_graph.address import Address
from pants.engine.target import (
    BoolField,
    InvalidFieldException,
    StringField,
    StringSequenceField,
)
from pants.util.strutil import help_text, softwrap

from pants_pyoxidizer.startup.payload import SUFFIX as PAYLOAD_SUFFIX
from pants_pyoxidizer.wheels.placement import Resources


class PyOxidizerFilesystemResourcesField(StringSequenceField):
    alias = "filesystem_resources"
    help = help_text(
        """
        Requirements to install as files in the folder `lib` next to the executable instead of
        inside it.

        By default, none. Set it for packages that need files on disk but that `resources` would
        put into the executable, for example `["jsonschema==4.21.1"]`. Their own requirements are
        installed with them. The distributions' code must already depend on each of these
        requirements, including its extras. Those whose marker does not match the embedded Python,
        such as `"six; sys_platform == 'darwin'"` on Linux, are ignored.
        """
    )

    @classmethod
    def compute_value(
        cls,
        raw_value: Optional[Iterable[str]],  # noqa: UP007: `help` evaluates it, on Python 3.9.
        address: Address,
    ) -> Optional[Tuple[str, ...]]:  # noqa: UP006, UP007
        value = super().compute_value(raw_value, address)
        for text in value or ():
            try:
                Requirement(text)
            except InvalidRequirement as e:
                raise InvalidFieldException(
                    softwrap(
                        f"""
                        The `{cls.alias}` field in target {address} has {text!r}, which is not
                        a valid requirement ({str(e).splitlines()[0]}). To fix, use pip's syntax,
                        for example `jsonschema==4.21.1` or `jsonschema`.
                        """
                    )
                ) from None
        return value


class PyOxidizerResourcesField(StringField):
    alias = "resources"
    valid_choices = Resources
    default = Resources.AUTO.value
    help = help_text(
        """
        Where code and its data files are stored.

        `"auto"` (the default): wheels that work in memory are stored in the executable. Wheels
        with native code, data files or `.pth` files, or whose code uses file paths (`__file__`,
        `pkg_resources`), are stored in the folder `lib` next to it. Data files that are only read
        with `importlib.resources` or `pkgutil` may be in memory. `--level=debug` logs the reason
        for each wheel.

        `"in-memory"`: all wheels are stored in the executable. A wheel with native code is an
        error.

        `"filesystem"`: all wheels are stored in `lib`, as pip would install them, as bytecode.

        `filesystem_resources` are always stored in `lib`. With a `template`, which controls this
        itself, this field cannot be set.
        """
    )


class PyOxidizerPayloadField(StringField):
    alias = "payload"
    valid_choices = ("appended", "file")
    default = "appended"
    help = help_text(
        f"""
        Where code that is loaded from memory is stored.

        `"appended"` (the default): at the end of the executable, which stays a single file. Tools
        that rewrite executables (`strip`, `patchelf`, code signing on macOS) remove it or fail.

        `"file"`: in the sidecar file `<binary_name>{PAYLOAD_SUFFIX}`, which you must ship with the
        executable. You may then strip or sign the executable; a signature does not cover the
        payload.

        With a `template`, this field cannot be set.
        """
    )


class PyOxidizerIncludeSourcesField(BoolField):
    alias = "include_sources"
    default = True
    help = help_text(
        """
        Whether to include source code in addition to bytecode.

        By default, it is included, compressed in the executable: tracebacks show source lines, and
        packages that read sources work. Bytecode is what runs, either way. Sources of the standard
        library are never included.

        With `False`, tracebacks show only line numbers, `inspect.getsource` fails, and code that
        looks for `.py` files, as alembic does for migrations, may find none without an error.

        With a `template`, this field cannot be set.
        """
    )
