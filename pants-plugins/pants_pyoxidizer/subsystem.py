# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import Any, Iterable

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import ConsoleScript, EntryPoint
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest
from pants.option.option_types import (
    ArgsListOption,
    BoolOption,
    EnumOption,
    StrListOption,
    StrOption,
)
from pants.option.scope import ScopeInfo
from pants.option.subsystem import Subsystem
from pants.util.memo import memoized_property
from pants.util.ordered_set import OrderedSet
from pants.util.strutil import bullet_list, help_text, softwrap

from pants_pyoxidizer.diagnostics.known_failures import summaries
from pants_pyoxidizer.engine import LOCKFILES_DIR, tool_rules

SCOPE = "pyoxidizer"
REPORT_SCOPE = "pyoxidizer-report"

_PANTS_OWN_BACKEND = "pants.backend.experimental.python.packaging.pyoxidizer"


class PythonSource(Enum):
    """The values of `python`, which also accepts the address of a `standalone_python` target."""

    HOST = "host"
    PYOXIDIZER = "pyoxidizer"


class RustSource(Enum):
    AUTO = "auto"
    SYSTEM = "system"
    MANAGED = "managed"


class _Tool(PythonToolBase):
    """A tool whose lockfile ships with the plugin."""

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.8,<3.14"]

    # Pants 2.16 requires it; newer releases derive it.
    register_lockfile = True

    def to_pex_request(
        self, *, interpreter_constraints: InterpreterConstraints | None = None, **kwargs: Any
    ) -> PexRequest:
        # By default, Pants takes `[python].interpreter_constraints`, and the Python of the user's
        # code may be too new for what the lockfile pins. The tool's constraints do not depend on
        # the code, and Pex chooses the oldest Python that they allow.
        if not self.install_from_resolve:
            interpreter_constraints = interpreter_constraints or self.interpreter_constraints
        return super().to_pex_request(interpreter_constraints=interpreter_constraints, **kwargs)


class PyOxidizer(_Tool):
    options_scope = SCOPE
    name = "PyOxidizer"
    help = "\n\n".join(
        (
            softwrap(
                """
                PyOxidizer, which builds executables that contain a Python interpreter
                (https://pyoxidizer.readthedocs.io).

                Used by the `pyoxidizer_binary` target.

                If PyOxidizer or a tool that it runs fails for one of these reasons, the error
                message explains the cause and how to fix it:
                """
            ),
            bullet_list(summaries()),
        )
    )

    default_version = "pyoxidizer==0.24.0"
    # `pip` is installed into the packed Python, where PyOxidizer runs it on wheel files;
    # `zstandard` compresses the packed Python. Both affect the result, so both are pinned.
    default_extra_requirements = ["pip==23.3.2", "zstandard==0.23.0"]
    default_requirements = [default_version, *default_extra_requirements]
    default_main = ConsoleScript("pyoxidizer")

    default_lockfile_url = "pants_pyoxidizer/pyoxidizer.lock"  # type: ignore[assignment]
    default_lockfile_resource = ("pants_pyoxidizer", f"{LOCKFILES_DIR}pyoxidizer.lock")

    args = ArgsListOption(
        example="--release",
        extra_help=softwrap(
            """
            They are passed to `pyoxidizer build`: `--release` builds in Rust's release mode.
            """
        ),
    )
    python = StrOption(
        default=PythonSource.HOST.value,
        help=softwrap(
            """
            Which Python to embed in the binaries.

            `host`: a CPython 3.9, 3.10, 3.11, 3.12 or 3.13 of the build machine: the newest that
            the interpreter constraints allow, on Pants' usual search path. With Pants 2.16
            and 2.17, 3.12 and 3.13 require a newer Pex than Pants' own. Ship the folder `lib`
            together with the executable. Machines that run it need the same or a newer glibc
            (`pants package` prints the version) and the shared libraries that this Python uses,
            such as OpenSSL.

            `pyoxidizer`: a CPython 3.8, 3.9 or 3.10 that PyOxidizer downloads, not from a package
            registry: the newest that the interpreter constraints allow. It includes its libraries,
            but dates from 2022 and receives no security fixes.

            The address of a `standalone_python` target, such as `3rdparty/python:py311`: the
            Python in its archive.

            The `python` field of a `pyoxidizer_binary` overrides this option.
            """
        ),
    )
    rust = EnumOption(
        default=RustSource.AUTO,
        help=softwrap(
            """
            Which Rust toolchain compiles the binaries.

            `system`: the one on `[pyoxidizer].rust_search_path`, 1.62.1 or newer.
            `managed`: Rust 1.66.0, which PyOxidizer downloads, not from a package registry. Every
            run of PyOxidizer then fetches and compiles all crates.
            `auto`: `system` if a suitable Rust is found, otherwise `managed`.
            """
        ),
    )

    report = BoolOption(
        default=False,
        help=softwrap(
            """
            Whether `package` also writes a report next to the executable's folder:
            `<binary_name>.cdx.json`, a CycloneDX SBOM, and `<binary_name>.sha256`, checksums for
            `sha256sum -c`.

            The report does not change the executable.
            """
        ),
    )
    crates_dir = StrOption(
        default=None,
        help=softwrap(
            """
            A folder, relative to the build root, with the Rust crates that PyOxidizer compiles,
            such as `3rdparty/crates`. `pants vendor-crates` fills it. If set, builds use only the
            crates in this folder.

            By default, crates are fetched from crates.io.
            """
        ),
    )
    crates_config = StrOption(
        default=None,
        help=softwrap(
            """
            A cargo configuration file in the repository, used when cargo fetches crates. Its
            `[source]` tables can name a mirror of crates.io (https://doc.rust-lang.org/cargo/reference/source-replacement.html).
            It must not contain secrets.
            """
        ),
        advanced=True,
    )
    crates_credentials = StrOption(
        default=None,
        help=softwrap(
            """
            A file with tokens for the registries in `[pyoxidizer].crates_config`, in the format
            of `cargo login`, for example `%(homedir)s/.cargo/credentials.toml`. It is not copied:
            only cargo reads it, and only to fetch crates.
            """
        ),
        advanced=True,
    )

    @classmethod
    def get_scope_info(cls) -> ScopeInfo:
        # Pants calls this once all backends are loaded, and before it fails with a stack trace
        # because two subsystems have the same scope.
        if _PANTS_OWN_BACKEND + ".register" in sys.modules:
            # The message of an exception would end up in pantsd's log.
            print(
                f"The backends `pants_pyoxidizer` and `{_PANTS_OWN_BACKEND}` cannot be enabled "
                "together, because both define the target type `pyoxidizer_binary`. To fix, "
                "remove the latter from `[GLOBAL].backend_packages`; the former replaces it.",
                file=sys.stderr,
            )
            sys.exit(1)
        return super().get_scope_info()

    class EnvironmentAware(Subsystem.EnvironmentAware):
        env_vars_used_by_options = ("PATH",)

        _rust_search_path = StrListOption(
            default=["<PATH>"],
            help=softwrap(
                """
                The folders to search for `rustc`.

                The special string `<PATH>` stands for the contents of the PATH environment
                variable. For example, `["/opt/rust/bin", "<PATH>"]`.
                """
            ),
            advanced=True,
            metavar="<folders>",
        )
        c_toolchain_search_path = StrListOption(
            default=["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"],
            help=softwrap(
                """
                The folders to search for the C compiler, `cc`, and the tools that it and the
                crates need: `ar`, `ld` and `make`.

                PyOxidizer runs with these folders as its PATH.
                """
            ),
            advanced=True,
            metavar="<folders>",
        )

        @memoized_property
        def rust_search_path(self) -> tuple[str, ...]:
            entries: OrderedSet[str] = OrderedSet()
            for entry in self._rust_search_path:
                if entry == "<PATH>":
                    entries.update(
                        filter(None, self._options_env.get("PATH", "").split(os.pathsep))
                    )
                else:
                    entries.add(entry)
            return tuple(entries)


class PyOxidizerReport(_Tool):
    options_scope = REPORT_SCOPE
    name = "PyOxidizer report"
    help = help_text(
        """
        The library that writes SBOMs (https://cyclonedx-python-library.readthedocs.io).

        Installed and used only with `[pyoxidizer].report`.
        """
    )

    default_version = "cyclonedx-python-lib==9.1.0"
    # Validates each SBOM against the schema.
    default_extra_requirements = ["jsonschema==4.23.0"]
    default_requirements = [default_version, *default_extra_requirements]
    # Required by Pants, but never run: our own program imports the library.
    default_main = EntryPoint("cyclonedx")

    default_lockfile_url = "pants_pyoxidizer/report.lock"  # type: ignore[assignment]
    default_lockfile_resource = ("pants_pyoxidizer", f"{LOCKFILES_DIR}report.lock")


def rules() -> Iterable[Any]:
    return tool_rules(PyOxidizer, PyOxidizerReport)
