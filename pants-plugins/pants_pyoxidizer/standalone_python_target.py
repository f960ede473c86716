# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The target type `standalone_python`."""

from __future__ import annotations

from pants.core.target_types import FileSourceField
from pants.engine.target import COMMON_TARGET_FIELDS, Target
from pants.util.strutil import help_text

from pants_pyoxidizer.target_types import TARGET_ALIAS, PyOxidizerPythonField


class StandalonePythonSourceField(FileSourceField):
    required = True
    help = help_text(
        """
        The archive: a file beside the BUILD file, as in `source="cpython-3.11.tar.zst"`, or one to
        download, as in

            source=http_source(
                "https://example.org/cpython-3.11.10+20240909-x86_64-unknown-linux-gnu-pgo-full.tar.zst",
                len=76543210,
                sha256="0123...",
            )

        Pants refuses a download of another length or SHA-256. With a `filename`, the file is called
        so. `per_platform(linux_x86_64=http_source(...), ...)` names one for each platform, all with
        the same `filename`.
        """
    )


class StandalonePythonTarget(Target):
    alias = "standalone_python"
    core_fields = (*COMMON_TARGET_FIELDS, StandalonePythonSourceField)
    help = help_text(
        f"""
        A pinned Python that goes into executables: an archive of python-build-standalone
        (https://github.com/astral-sh/python-build-standalone).

        It must be of the kind "full", whose name ends in `-full.tar.zst`, and hold machine code: it
        is a `pgo` or `noopt` one, but mostly not an `lto` one. For example:

            standalone_python(name="py311", source="cpython-3.11.tar.zst")

        To have it go into all executables, set the option `[pyoxidizer].python` to its address, and
        for one, the field `{PyOxidizerPythonField.alias}` of its `{TARGET_ALIAS}`.

        Wheels are resolved with a CPython of the same minor version, which must be on this machine.
        """
    )
