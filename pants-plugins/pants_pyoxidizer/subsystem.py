# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import Any, Iterable

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import ConsoleScript, EntryPoint
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
    """What `python` may be, besides the address of a `standalone_python` target."""

    HOST = "host"
    PYOXIDIZER = "pyoxidizer"


class RustSource(Enum):
    AUTO = "auto"
    SYSTEM = "system"
    MANAGED = "managed"


class PyOxidizer(PythonToolBase):
    options_scope = SCOPE
    name = "PyOxidizer"
    help = "\n\n".join(
        (
            softwrap(
                """
                PyOxidizer, which turns Python code into an executable with Python inside
                (https://pyoxidizer.readthedocs.io).

                Used with the `pyoxidizer_binary` target.

                If PyOxidizer, or what it runs, fails for one of these causes, the error says so,
                and how to fix it:
                """
            ),
            bullet_list(summaries()),
        )
    )

    default_version = "pyoxidizer==0.24.0"
    # `pip` goes into the packed interpreter, where PyOxidizer runs it on wheel files; `zstandard`
    # compresses that interpreter. Both are pinned with the tool, as they decide what it builds.
    default_extra_requirements = ["pip==23.3.2", "zstandard==0.23.0"]
    default_requirements = [default_version, *default_extra_requirements]
    default_main = ConsoleScript("pyoxidizer")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.8,<4"]

    # Pants 2.16 wants these two said; later ones derive them.
    register_lockfile = True
    default_lockfile_url = "pants_pyoxidizer/pyoxidizer.lock"  # type: ignore[assignment]
    default_lockfile_resource = ("pants_pyoxidizer", f"{LOCKFILES_DIR}pyoxidizer.lock")

    args = ArgsListOption(
        example="--release",
        extra_help=softwrap(
            """
            They follow PyOxidizer's `build` command: `--release` builds in Rust's release mode.
            """
        ),
    )
    python = StrOption(
        default=PythonSource.HOST.value,
        help=softwrap(
            """
            Which Python goes into the binaries.

            `host`: a CPython 3.9, 3.10, 3.11, 3.12 or 3.13 of this machine, the newest that the
            interpreter constraints allow, found as Pants finds any Python. 3.12 and 3.13 need a
            newer Pex than that of Pants 2.17. `lib`, beside the executable, must travel with it. It
            runs on machines with the same or a newer glibc (`pants package` says which) and with
            the libraries that the Python itself uses, such as OpenSSL.

            `pyoxidizer`: PyOxidizer's own download, from outside package registries, of 3.8, 3.9
            or 3.10, the newest that the interpreter constraints allow. It has its libraries inside,
            but dates from 2022, and gets no security fixes.

            The address of a `standalone_python` target, such as `3rdparty/python:py311`: the
            archive that it names.

            The field `python` of a `pyoxidizer_binary` overrides it.
            """
        ),
    )
    rust = EnumOption(
        default=RustSource.AUTO,
        help=softwrap(
            """
            Which Rust compiles the binaries.

            `system`: the one found on `[pyoxidizer].rust_search_path`, 1.62.1 or newer.
            `managed`: Rust 1.66.0, which PyOxidizer downloads, from outside package registries; all
            crates are fetched and compiled whenever PyOxidizer runs.
            `auto`: the system's, or else the managed one.
            """
        ),
    )

    report = BoolOption(
        default=False,
        help=softwrap(
            """
            Whether `package` also writes, beside the folder with the executable, what went into
            it: `<binary_name>.cdx.json`, a CycloneDX SBOM, and `<binary_name>.sha256`, which
            `sha256sum -c` reads.

            The executable is the same either way.
            """
        ),
    )
    crates_dir = StrOption(
        default=None,
        help=softwrap(
            """
            A folder of the repository with the Rust crates that PyOxidizer compiles, relative to
            the build root, such as `3rdparty/crates`. They are taken from there then, and from
            nowhere else. `pants vendor-crates` fills it.

            By default, crates are fetched from crates.io.
            """
        ),
    )
    crates_config = StrOption(
        default=None,
        help=softwrap(
            """
            A file of the repository with configuration for cargo, for when it fetches crates: with
            `[source]`, it names a mirror of crates.io (https://doc.rust-lang.org/cargo/reference/source-replacement.html).
            It must have no secrets in it.
            """
        ),
        advanced=True,
    )
    crates_credentials = StrOption(
        default=None,
        help=softwrap(
            """
            A file with tokens for the registries in `[pyoxidizer].crates_config`, as
            `cargo login` writes it, for example `%(homedir)s/.cargo/credentials.toml`. It is
            read where it is, only by cargo, and only when crates are fetched.
            """
        ),
        advanced=True,
    )

    @classmethod
    def get_scope_info(cls) -> ScopeInfo:
        # The first thing that Pants asks of a subsystem once all backends are loaded, and before
        # it finds, with a stack trace, that two have the same scope.
        if _PANTS_OWN_BACKEND + ".register" in sys.modules:
            # An exception's message would be kept in the daemon's log.
            print(
                f"The backends `pants_pyoxidizer` and `{_PANTS_OWN_BACKEND}` cannot be enabled "
                "together, as both define the target `pyoxidizer_binary`. To fix, remove the "
                "latter from `[GLOBAL].backend_packages`: the former does all that it does.",
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
                The folders in which to look for `rustc`.

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
                The folders with the C compiler, `cc`, and the tools that it and Rust's crates
                need: `ar`, `ld`, `make`.

                They are the PATH of the process that runs PyOxidizer.
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


class PyOxidizerReport(PythonToolBase):
    options_scope = REPORT_SCOPE
    name = "PyOxidizer report"
    help = help_text(
        """
        The library that writes SBOMs (https://cyclonedx-python-library.readthedocs.io).

        Used, and installed, with `[pyoxidizer].report` only.
        """
    )

    default_version = "cyclonedx-python-lib==9.1.0"
    # Checks each SBOM against the schema.
    default_extra_requirements = ["jsonschema==4.23.0"]
    default_requirements = [default_version, *default_extra_requirements]
    # Programs of ours import the library; it is nothing to run by itself.
    default_main = EntryPoint("cyclonedx")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.8,<4"]

    # See above.
    register_lockfile = True
    default_lockfile_url = "pants_pyoxidizer/report.lock"  # type: ignore[assignment]
    default_lockfile_resource = ("pants_pyoxidizer", f"{LOCKFILES_DIR}report.lock")


def rules() -> Iterable[Any]:
    return tool_rules(PyOxidizer, PyOxidizerReport)
