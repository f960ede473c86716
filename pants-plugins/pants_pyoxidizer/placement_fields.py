# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The fields of `pyoxidizer_binary` that say where code is placed, and in which form."""

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
        Requirements that must lie on the filesystem, beside the executable, rather than inside of
        it.

        By default, none. Set it for packages that need files on disk though `resources` would put
        them into the executable, for example `["jsonschema==4.21.1"]`. What such a package requires
        is laid out with it. Each must be among the requirements that the distributions' code has
        anyway, with its extras. One whose marker does not hold for the Python that goes in, as in
        `"six; sys_platform == 'darwin'"` on Linux, does nothing.
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
                        The `{cls.alias}` field in target {address} has {text!r}, which is no
                        requirement ({str(e).splitlines()[0]}). To fix, write it as pip takes it, for
                        example `jsonschema==4.21.1` or `jsonschema`.
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
        Where the code goes, with its data.

        By default, `"auto"`: wheels that work in memory go into the executable. Those with native
        code, data files or `.pth` files, and those whose code asks for paths (`__file__`,
        `pkg_resources`), lie in the folder `lib` beside it. Data that is only read, by
        `importlib.resources` or `pkgutil`, may be in memory. `--level=debug` says why for each.

        `"in-memory"`: all of it goes into the executable. A wheel with native code is an error.

        `"filesystem"`: all of it lies in `lib`, laid out as pip would, as bytecode.

        What `filesystem_resources` names lies in `lib` either way. A `template` decides for
        itself: with one, this field cannot be set.
        """
    )


class PyOxidizerPayloadField(StringField):
    alias = "payload"
    valid_choices = ("appended", "file")
    default = "appended"
    help = help_text(
        f"""
        Where the code that goes "in memory" is kept.

        By default, `"appended"`: at the end of the executable, so that it is one file. Tools that
        rewrite executables (`strip`, `patchelf`, code signing on macOS) remove it, or fail.

        `"file"`: beside the executable, as `<binary_name>{PAYLOAD_SUFFIX}`, which must travel with
        it. The executable may then be stripped or signed; a signature does not cover the payload.

        With a `template`, this field cannot be set.
        """
    )


class PyOxidizerIncludeSourcesField(BoolField):
    alias = "include_sources"
    default = False
    help = help_text(
        """
        Whether the sources of the code go along with its bytecode.

        By default, they do not: tracebacks show line numbers, but not the lines, and
        `inspect.getsource` finds nothing. Those of the standard library never do.

        With a `template`, this field cannot be set.
        """
    )
