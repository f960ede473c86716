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
        The archive: a file next to the BUILD file, as in `source="cpython-3.11.tar.zst"`, or a
        download:

            source=http_source(
                "https://example.org/cpython-3.11.10+20240909-x86_64-unknown-linux-gnu-pgo-full.tar.zst",
                len=76543210,
                sha256="0123...",
            )

        Pants rejects a download with a different length or SHA-256. `filename` overrides the file
        name. `per_platform(linux_x86_64=http_source(...), ...)` selects one archive per platform;
        all must have the same `filename`.
        """
    )


class StandalonePythonTarget(Target):
    alias = "standalone_python"
    core_fields = (*COMMON_TARGET_FIELDS, StandalonePythonSourceField)
    help = help_text(
        f"""
        A pinned Python to embed in executables: an archive from python-build-standalone
        (https://github.com/astral-sh/python-build-standalone).

        It must be a "full" archive, named `*-full.tar.zst`, with object files that contain machine
        code: `pgo` and `noopt` archives do, `lto` archives usually do not. For example:

            standalone_python(name="py311", source="cpython-3.11.tar.zst")

        To embed it in all executables, set `[pyoxidizer].python` to its address; for a single
        executable, set the `{PyOxidizerPythonField.alias}` field of the `{TARGET_ALIAS}` target.

        To resolve wheels, Pants needs a CPython of the same minor version on the build machine.
        """
    )
