# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What is known to go wrong when Pex resolves requirements: the cause and the cure in words.

Each failure was seen with Pex 2.1.137 or 2.20.4; docs/troubleshooting.md lists them.
"""

from __future__ import annotations

from pants_pyoxidizer.diagnostics.known_failures import KnownFailure

_CREDENTIALS_CURE = (
    "correct user name and password in the netrc file, or in the URLs of `[python-repos]`, "
    "percent-encoded there; docs/offline.md says how Pants is told of both."
)

# The first one counts whose sign is there. `pip` tries other indexes, and says nothing of why one
# of them gave it nothing, unless it cannot be reached.
KNOWN_FAILURES = (
    KnownFailure(
        r"CERTIFICATE_VERIFY_FAILED",
        "An index or a proxy shows a certificate that is not trusted.",
        "To fix, set `[GLOBAL].ca_certs_path` to a file with the certificates of all authorities "
        "to trust, those of public indexes included.",
    ),
    KnownFailure(
        r"Cannot connect to proxy|Tunnel connection failed",
        "The proxy cannot be reached, or refuses.",
        "To fix, correct HTTPS_PROXY, or except the host in NO_PROXY; "
        "`[subprocess-environment].env_vars` must name both.",
    ),
    KnownFailure(
        r"Failed to resolve all requirements for (?P<tag>[\w.-]+) interpreter(?:.*\n)*?"
        r"Dependency on (?P<project>\S+) not satisfied, \d+ incompatible candidates? found:"
        r"(?:.*\n)*?.*does not have any compatible artifacts",
        "The lockfile has no file of `{project}` that this Python can use. Wanted is a source "
        "distribution, or a wheel with a tag such as {tag} or py3-none-any.",
        "To fix, take a version of it that has one, let "
        "`[python].resolves_to_interpreter_constraints` include that Python, and generate the "
        "lockfile anew; or narrow the `interpreter_constraints` of the distributions' code to a "
        "Python that it has a wheel for.",
    ),
    KnownFailure(
        r"requested was (?P<pip>\S+) but it does not work with the interpreter selected which is "
        r"(?P<python>\S+ \S+) at",
        "The pip that the lockfile was generated with, {pip}, does not run on {python}.",
        "To fix, set `[python].pip_version` to `latest`, and generate the lockfile anew.",
    ),
    KnownFailure(
        r"HTTP error 40[137] .* for url: (?P<url>\S+)",
        "User name and password for {url} are missing or wrong.",
        f"To fix, {_CREDENTIALS_CURE}",
    ),
    KnownFailure(
        r"Could not find a version that satisfies the requirement (?P<requirement>.+?) "
        r"\(from versions: none\)",
        "Neither indexes nor find-links have a file of `{requirement}` that this Python can use: no "
        "wheel, and no source distribution. What refuses user name and password counts as having "
        "nothing.",
        "To fix, correct the requirement; take a version that has a wheel for this Python, or "
        "narrow the `interpreter_constraints` of the distributions' code to a Python that it has "
        f"one for; or, if it is on a private index, {_CREDENTIALS_CURE}",
    ),
)

_OTHER_CURE = (
    "To fix, if a requirement has neither a wheel for that Python and this platform nor a source "
    "distribution, take a version that has, and generate the lockfile anew if there is one; or "
    "narrow the `interpreter_constraints` of the distributions' code to a Python that it has a "
    "wheel for."
)


def explain(said: str) -> str:
    """Cause and cure, if it is known, or else a cure, of a failure of which Pex said this."""
    for failure in KNOWN_FAILURES:
        explanation = failure.explain(said)
        if explanation is not None:
            return explanation
    return _OTHER_CURE
