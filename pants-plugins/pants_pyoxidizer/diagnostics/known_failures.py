# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Known failures of PyOxidizer, cargo, cc and pip, each with its cause and cure.

Each was observed or is reported in the tool's issues. `pants help-advanced pyoxidizer` and
docs/troubleshooting.md list them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Sequence

# An error as PyOxidizer's Starlark interpreter prints it: its code, message and position.
STARLARK_ERROR = re.compile(
    r"^ *error\[C[A-Z]\d+\]: (?P<message>.*)(?:\n.*){0,4}?\n"
    r" *--> \./pyoxidizer\.bzl:(?P<line>\d+):",
    re.MULTILINE,
)
OLD_RUST = "Rust {found} is too old: a crate requires {wanted} or newer."
NEWER_RUST = (
    "To fix, install a newer Rust (`rustup update`), or set `[pyoxidizer].rust_search_path`."
)
IN_TEMPLATE = "There is an error in the template"
TEMPLATE_CURE = "To fix, correct the template."
_ALLOW_DOWNLOAD = (
    "allow network access (behind a proxy, add HTTPS_PROXY to `[subprocess-environment].env_vars`)."
)
# Between an error and its cause, which is printed a few lines later. Matches that are further apart
# are unrelated.
SOON = r"(?:.*\n){0,9}?.*"


@dataclass(frozen=True)
class KnownFailure:
    """`sign` is a regular expression; `cause` may refer to its groups as `{name}`."""

    sign: str
    cause: str
    cure: str

    def explain(self, log: str) -> str | None:
        match = re.search(self.sign, log)
        if match is None:
            return None
        return f"{self.cause.format(**match.groupdict())} {self.cure}"

    def summary(self) -> str:
        """The cause, with `...` in place of the groups of `sign`."""
        parts = Formatter().parse(self.cause)
        return "".join(text if name is None else f"{text}..." for text, name, _, _ in parts)


# The first entry whose sign is anywhere in the log wins. A build stops at its first failure, so a
# log with two signs has a cause and its consequence (a full disk can cause any other failure), or a
# download that cargo retried and a later failure. Therefore, the full disk comes first, and cargo's
# downloads come after compiling and linking.
KNOWN_FAILURES = (
    KnownFailure(
        r"No space left on device|Disk quota exceeded",
        "The disk is full.",
        "To fix, free space for Pants' sandboxes (`[GLOBAL].local_execution_root_dir`, by default "
        "the temporary folder) and caches; a build needs about 2 GB.",
    ),
    KnownFailure(
        r"error while loading shared libraries: (?P<library>[\w.-]+): cannot enable executable "
        "stack",
        "The Rust that PyOxidizer downloads cannot run on this machine, because glibc refuses to "
        "load `{library}` (PyOxidizer issue 736).",
        'To fix, install Rust and set `[pyoxidizer].rust` to "system".',
    ),
    KnownFailure(
        rf"resolving Rust toolchain{SOON}(?:error sending request|dns error|error trying to "
        r"connect|static\.rust-lang\.org)",
        "PyOxidizer could not download Rust, which is not on a package registry.",
        f'To fix, install Rust and set `[pyoxidizer].rust` to "system", or {_ALLOW_DOWNLOAD}',
    ),
    KnownFailure(
        rf"(?:error sending request|dns error|error trying to connect){SOON}"
        r"python-build-standalone|"
        rf"python-build-standalone{SOON}(?:error sending request|dns error|error trying to "
        r"connect)",
        "PyOxidizer could not download a Python, which is not on a package registry.",
        f'To fix, set `[pyoxidizer].python` to "host", or {_ALLOW_DOWNLOAD}',
    ),
    KnownFailure(
        r"requires rustc (?P<wanted>[\d.]+) or newer, while the currently active rustc version is "
        r"(?P<found>[\d.]+)",
        OLD_RUST,
        NEWER_RUST,
    ),
    KnownFailure(
        r"rustc (?P<found>[\d.]+) is not supported by the following packages?:\n.*requires rustc "
        r"(?P<wanted>[\d.]+)",
        OLD_RUST,
        NEWER_RUST,
    ),
    KnownFailure(
        r"linker `(?P<linker>[^`]+)` not found|[Ff]ailed to find tool\. Is `(?P<tool>[^`]+)` "
        r"installed",
        "The C compiler was not found: Rust links with `cc`.",
        "To fix, install one or set `[pyoxidizer].c_toolchain_search_path`.",
    ),
    KnownFailure(
        r"(?:unable to find library|cannot find) -l(?P<library>[\w.+-]+)",
        "The linker cannot find the library `{library}`.",
        "To fix, install its development package, for example `lib{library}-dev` on Debian.",
    ),
    KnownFailure(
        r"failed to download from `|failed to query replaced source|Could(?:n't| not) resolve host|"
        r"failed to get `[^`]+` as a dependency|network failure seems to "
        r"have happened",
        "cargo could not download the crates.",
        "To fix, allow network access once (add HTTPS_PROXY, or the variables that name "
        "certificates, to `[subprocess-environment].env_vars`); later builds need none.",
    ),
    KnownFailure(
        r"extension module (?P<module>\S+) cannot be loaded from memory but memory loading required",
        "The extension module `{module}` can only be loaded from a file, which the template does "
        "not allow.",
        'To fix, set `policy.resources_location_fallback = "filesystem-relative:lib"` in the '
        "template.",
    ),
    KnownFailure(
        r"(?P<wheel>[\w.+-]+\.whl) is not a supported wheel on this platform",
        "The wheel {wheel} is for a different Python or platform than the embedded one.",
        "To fix, narrow the `interpreter_constraints` of the code to the Python that the wheel was "
        "built for.",
    ),
    KnownFailure(
        r"No matching distribution found for (?P<requirement>.+)",
        "The template installs `{requirement}`, which is not among the wheels.",
        "To fix, make the code depend on a `python_requirement` for it.",
    ),
)


def summaries() -> tuple[str, ...]:
    """The causes of all known failures, without duplicates."""
    return (f"{IN_TEMPLATE}.", *dict.fromkeys(failure.summary() for failure in KNOWN_FAILURES))


def explain(log: str, template: str, lines: Sequence[int]) -> str | None:
    """The cause and cure of a failed build, or None if the failure in its log is unknown.

    `template` is the path of the user's template, or "". `lines` maps each line of the rendered
    configuration to the line of the template that it comes from, or 0.
    """
    match = STARLARK_ERROR.search(log) if template else None
    if match is None:
        return next(filter(None, (failure.explain(log) for failure in KNOWN_FAILURES)), None)
    # A Starlark error ends the build. Its message comes from the template and may match any sign, so
    # it is not searched.
    number = int(match["line"])
    line = lines[number - 1] if number <= len(lines) else 0
    where = f"{template}, line {line}" if line else template
    return f"{IN_TEMPLATE} {where}: {match['message'].rstrip('.')}. {TEMPLATE_CURE}"
