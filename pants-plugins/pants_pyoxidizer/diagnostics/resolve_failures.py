# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Known failures of Pex to resolve requirements, each with its cause and cure.

Each was observed with Pex 2.1.137 or 2.20.4; docs/troubleshooting.md lists them.
"""

from __future__ import annotations

from typing import Iterable

from pants_pyoxidizer.diagnostics.known_failures import KnownFailure

# A lockfile pins a pip. If it does not run on the Python, Pex 2.56 and newer choose another one.
_OLD_PIP = (
    r"requested was (?P<pip>\S+) but it does not work with the interpreter selected which is "
    r"(?P<python>\S+ \S+) at"
)

_CREDENTIALS_CURE = (
    "correct the user name and password in the netrc file or, percent-encoded, in the URLs of "
    "`[python-repos]`; docs/offline.md explains both."
)

# The first entry whose sign matches wins. pip reports an index that it cannot reach, but silently
# skips one that rejects the request.
KNOWN_FAILURES = (
    KnownFailure(
        r"CERTIFICATE_VERIFY_FAILED",
        "An index or a proxy presented a certificate that is not trusted.",
        "To fix, set `[GLOBAL].ca_certs_path` to a file with the certificates of all trusted "
        "authorities, including those of public indexes.",
    ),
    KnownFailure(
        r"Cannot connect to proxy|Tunnel connection failed",
        "The proxy cannot be reached, or refuses the connection.",
        "To fix, correct HTTPS_PROXY, or add the host to NO_PROXY; "
        "`[subprocess-environment].env_vars` must list both.",
    ),
    KnownFailure(
        r"Failed to resolve all requirements for (?P<tag>[\w.-]+) interpreter(?:.*\n)*?"
        r"Dependency on (?P<project>\S+) not satisfied, \d+ incompatible candidates? found:"
        r"(?:.*\n)*?.*does not have any compatible artifacts",
        "The lockfile has no file of `{project}` that this Python can use: neither a source "
        "distribution nor a wheel with a tag such as {tag} or py3-none-any.",
        "To fix, choose a version that has one, include this Python in "
        "`[python].resolves_to_interpreter_constraints`, and regenerate the lockfile; or narrow "
        "the `interpreter_constraints` of the distributions' code to a Python that it has a "
        "wheel for.",
    ),
    KnownFailure(
        _OLD_PIP,
        "The lockfile was generated with {pip}, which does not run on {python}.",
        "To fix, set `[python].pip_version` to `latest` and regenerate the lockfile.",
    ),
    KnownFailure(
        r"HTTP error 40[137] .* for url: (?P<url>\S+)",
        "The user name or password for {url} is missing or wrong.",
        f"To fix, {_CREDENTIALS_CURE}",
    ),
    KnownFailure(
        r"Could not find a version that satisfies the requirement (?P<requirement>.+?) "
        r"\(from versions: none\)",
        "No index and no find-links location has a file of `{requirement}` that this Python can "
        "use: neither a wheel nor a source distribution. pip skips an index that rejects the user "
        "name or password.",
        "To fix, correct the requirement; choose a version that has a wheel for this Python, or "
        "narrow the `interpreter_constraints` of the distributions' code to a Python that it has a "
        f"wheel for; or, if it is on a private index, {_CREDENTIALS_CURE}",
    ),
)

_TOOL_FAILURES = (
    KnownFailure(
        _OLD_PIP,
        "Its lockfile pins {pip}, which does not run on {python}, the oldest Python found that the "
        "tool's interpreter constraints allow.",
        "To fix, install a CPython 3.8, 3.9, 3.10 or 3.11 where `[python-bootstrap].search_path` "
        "looks (your code does not have to allow it), or set `[pex-cli].version` to `v2.56.0` or "
        "newer.",
    ),
    KnownFailure(
        r"Could not find a compatible interpreter",
        "There is no Python that it can run on.",
        "To fix, install one that the tool's interpreter constraints allow where "
        "`[python-bootstrap].search_path` looks (your code does not have to allow it).",
    ),
)

# The pip that the lockfile of setuptools pins refuses the Python, or, where Pex takes another pip,
# setuptools older than 66.1 crashes on it.
_BUILD_FAILURES = (
    KnownFailure(
        rf"{_OLD_PIP}|module 'pkgutil' has no attribute 'ImpImporter'",
        "setuptools, or the pip that its lockfile pins, is too old for the Python that builds them. "
        "By default, Pants 2.16 and 2.17 can build wheels with Python 3.11 and older only.",
        'To fix, set `[setuptools].version` to "setuptools==69.5.1" and `[setuptools].lockfile` to '
        '"<none>", or let the `interpreter_constraints` of the code allow a Python from 3.9 to 3.11 '
        "as well.",
    ),
    KnownFailure(
        r"No supported version of Pip is compatible with the given targets",
        "No pip that Pex knows runs on all of the Pythons found that the code allows.",
        "To fix, narrow the `interpreter_constraints` of the code, for example to "
        "`CPython>=3.9,<3.14`, or, for Python 3.14, set `[pex-cli].version` to `v2.21.0` or newer.",
    ),
)

_OTHER_CURE = (
    "To fix, if a requirement has neither a wheel for that Python and this platform nor a source "
    "distribution, choose a version that has one, and regenerate the lockfile if there is one; or "
    "narrow the `interpreter_constraints` of the distributions' code to a Python that it has a "
    "wheel for."
)


def explain(said: str) -> str:
    """The cause and cure of a failed resolve with this output of Pex; if unknown, a general cure."""
    return _explain(KNOWN_FAILURES, said) or _OTHER_CURE


def explain_tool(said: str) -> str | None:
    """The cause and cure, if known, when Pex could not install a tool of the plugin."""
    return _explain(_TOOL_FAILURES, said)


def explain_build(said: str) -> str | None:
    """The cause and cure, if known, when Pex or setuptools could not build a wheel."""
    return _explain(_BUILD_FAILURES, said)


def _explain(failures: Iterable[KnownFailure], said: str) -> str | None:
    explanations = (failure.explain(said) for failure in failures)
    return next(filter(None, explanations), None)
