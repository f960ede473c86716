# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What is known to go wrong in PyOxidizer, cargo, cc and pip: the cause and the cure in words.

Each failure was seen, or is reported in the tool's issues. `pants help-advanced pyoxidizer` and
docs/troubleshooting.md list them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Sequence

# As PyOxidizer's Starlark reports an error: its kind, and where in the configuration it is.
STARLARK_ERROR = re.compile(
    r"^ *error\[C[A-Z]\d+\]: (?P<message>.*)(?:\n.*){0,4}?\n"
    r" *--> \./pyoxidizer\.bzl:(?P<line>\d+):",
    re.MULTILINE,
)
OLD_RUST = "Rust {found} is too old: a crate wants {wanted} or newer."
NEWER_RUST = (
    "To fix, install a newer Rust (`rustup update`), or set `[pyoxidizer].rust_search_path`."
)
IN_TEMPLATE = "There is an error in the template"
TEMPLATE_CURE = "To fix, correct the template."
# From an error to what it is about: its causes are on the lines after it. Far apart, the two have
# nothing to do with each other.
SOON = r"(?:.*\n){0,9}?.*"


@dataclass(frozen=True)
class KnownFailure:
    """`sign` is a regular expression; `cause` may name its groups, as in `{name}`."""

    sign: str
    cause: str
    cure: str

    def explain(self, log: str) -> str | None:
        match = re.search(self.sign, log)
        if match is None:
            return None
        return f"{self.cause.format(**match.groupdict())} {self.cure}"

    def summary(self) -> str:
        """The cause of all such failures: `...` stands for what differs."""
        parts = Formatter().parse(self.cause)
        return "".join(text if name is None else f"{text}..." for text, name, _, _ in parts)


# The first one counts whose sign is in the log, wherever it is there. A build stops where it fails.
# So two signs are of a cause and what it led to, as a full disk leads to all else; or one is of a
# download that cargo tried again, and the other of what failed later. That is why the disk comes
# first, and cargo's downloads come after compiling and linking.
KNOWN_FAILURES = (
    KnownFailure(
        r"No space left on device|Disk quota exceeded",
        "The disk is full.",
        "To fix, make room where Pants keeps sandboxes (`[GLOBAL].local_execution_root_dir`, by "
        "default the temporary folder) and caches; a build needs about 2 GB.",
    ),
    KnownFailure(
        r"error while loading shared libraries: (?P<library>[\w.-]+): cannot enable executable "
        "stack",
        "The Rust that PyOxidizer downloads cannot run with the glibc of this system, which does "
        "not load `{library}` (PyOxidizer's issue 736).",
        'To fix, install Rust, and set `[pyoxidizer].rust` to "system".',
    ),
    KnownFailure(
        rf"resolving Rust toolchain{SOON}(?:error sending request|dns error|error trying to "
        r"connect|static\.rust-lang\.org)",
        "PyOxidizer could not download Rust, which is on no package registry.",
        'To fix, install Rust, and set `[pyoxidizer].rust` to "system", or let the network through '
        "(`[subprocess-environment].env_vars` with HTTPS_PROXY).",
    ),
    KnownFailure(
        rf"(?:error sending request|dns error|error trying to connect){SOON}"
        r"python-build-standalone|"
        rf"python-build-standalone{SOON}(?:error sending request|dns error|error trying to "
        r"connect)",
        "PyOxidizer could not download a Python, which is on no package registry.",
        'To fix, set `[pyoxidizer].python` to "host", or let the network through '
        "(`[subprocess-environment].env_vars` with HTTPS_PROXY).",
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
        "The C compiler is not found: Rust links with `cc`.",
        "To fix, install one, or set `[pyoxidizer].c_toolchain_search_path`.",
    ),
    KnownFailure(
        r"(?:unable to find library|cannot find) -l(?P<library>[\w.+-]+)",
        "The linker does not find the library `{library}`.",
        "To fix, install its development package, for example `lib{library}-dev` on Debian.",
    ),
    KnownFailure(
        r"failed to download from `|failed to query replaced source|Could(?:n't| not) resolve host|"
        r"failed to get `[^`]+` as a dependency|network failure seems to "
        r"have happened",
        "cargo could not download the crates.",
        "To fix, let the network through once (`[subprocess-environment].env_vars` with "
        "HTTPS_PROXY, or with the variables that name certificates); later builds need none.",
    ),
    KnownFailure(
        r"extension module (?P<module>\S+) cannot be loaded from memory but memory loading required",
        "The extension module `{module}` can only be loaded from a file, and the template allows "
        "none.",
        'To fix, set `policy.resources_location_fallback = "filesystem-relative:lib"` in it.',
    ),
    KnownFailure(
        r"(?P<wheel>[\w.+-]+\.whl) is not a supported wheel on this platform",
        "The wheel {wheel} is for another Python or platform than the one that goes in.",
        "To fix, narrow the `interpreter_constraints` of the code to the Python that it was built "
        "for.",
    ),
    KnownFailure(
        r"No matching distribution found for (?P<requirement>.+)",
        "The template installs `{requirement}`, which is not among the wheels.",
        "To fix, make the code depend on a `python_requirement` for it.",
    ),
)


def summaries() -> tuple[str, ...]:
    """The causes of all that is known, each once."""
    return (f"{IN_TEMPLATE}.", *dict.fromkeys(failure.summary() for failure in KNOWN_FAILURES))


def explain(log: str, template: str, lines: Sequence[int]) -> str | None:
    """Cause and cure of a failure with this log, if it is known.

    `template` is the user's, "" if there is none, and `lines` has its line, 0 for none, for each
    line of the configuration that was made of it.
    """
    match = STARLARK_ERROR.search(log) if template else None
    if match is None:
        return next(filter(None, (failure.explain(log) for failure in KNOWN_FAILURES)), None)
    # The language's own error, after which nothing ran. Its message is the template's, and may have
    # any sign in it.
    number = int(match["line"])
    line = lines[number - 1] if number <= len(lines) else 0
    where = f"{template}, line {line}" if line else template
    return f"{IN_TEMPLATE} {where}: {match['message'].rstrip('.')}. {TEMPLATE_CURE}"
