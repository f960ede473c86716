# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest

from pants_pyoxidizer.diagnostics.resolve_failures import explain, explain_build, explain_tool

# As Pex 2.20.4 and pip 23.1.2 said it; what stands before it, and most of the paths, is left out.
LOCKED_FOR_ANOTHER_PYTHON = """\
Failed to resolve compatible artifacts from lock old.lock for 1 target:
1. /opt/bin/python3.11:
    Failed to resolve all requirements for cp311-cp311-manylinux_2_36_x86_64 interpreter at \
/opt/bin/python3.11 from old.lock:

Configured with:
    build: True
    use_wheel: True

Dependency on native39 not satisfied, 1 incompatible candidate found:
1.) native39 1 (via: native39==1.0) does not have any compatible artifacts:
    https://127.0.0.1:8443/files/native39-1.0-cp39-cp39-linux_x86_64.whl
"""
REFUSED_TO_PIP = """\
There was 1 error downloading required artifacts:
1. hushhush 1 from https://127.0.0.1:8443/files/hushhush-1.0-py3-none-any.whl
    pip: ERROR: Could not install requirement hushhush==1.0 from \
https://127.0.0.1:8443/files/hushhush-1.0-py3-none-any.whl because of HTTP error 401 Client \
Error: Unauthorized for url: https://127.0.0.1:8443/files/hushhush-1.0-py3-none-any.whl for URL \
https://127.0.0.1:8443/files/hushhush-1.0-py3-none-any.whl
"""
NOTHING_FOUND = """\
pip: ERROR: Could not find a version that satisfies the requirement hushhush==1.0 \
(from versions: none)
pip: ERROR: No matching distribution found for hushhush==1.0
"""
NOT_TRUSTED = (
    "pip: WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) "
    "after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
    "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate "
    "(_ssl.c:1006)'))': /simple/hushhush/\n" + NOTHING_FOUND
)
OLD_PIP = (
    "The Pip requested was pip==23.1.2 but it does not work with the interpreter selected which is "
    "CPython 3.13.0 at /opt/bin/python3.13. Pip 23.1.2 requires Python <3.12,>=3.7.\n"
)
# As Pex 2.97.1 and setuptools 63.4.3 said it.
OLD_SETUPTOOLS = """\
    import pkg_resources
  File "/root/.cache/venv/lib/python3.12/site-packages/pkg_resources/__init__.py", line 2191, \
in <module>
    register_finder(pkgutil.ImpImporter, find_on_path)
                    ^^^^^^^^^^^^^^^^^^^
AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?
"""
# As Pex 2.20.4 said it.
NO_PIP = """\
No supported version of Pip is compatible with the given targets:
cp314-cp314-manylinux_2_36_x86_64 interpreter at /opt/bin/python3.14
cp39-cp39-manylinux_2_36_x86_64 interpreter at /opt/bin/python3.9
"""
NO_PYTHON = """\
Could not find a compatible interpreter.

Examined the following interpreters:
1.) /opt/bin/python3.7 CPython==3.7.16

No interpreter compatible with the requested constraints was found:

  Version matches CPython<3.14,>=3.8
"""
PROXY_REFUSES = (
    "pip: WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) "
    "after connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection "
    "failed: 407 Proxy Authentication Required'))': /simple/hushhush/\n" + NOTHING_FOUND
)


@pytest.mark.parametrize(
    ("said", "explanation"),
    [
        (
            OLD_PIP,
            "The lockfile was generated with pip==23.1.2, which does not run on CPython 3.13.0. "
            "To fix, set `[python].pip_version` to `latest` and regenerate",
        ),
        (
            LOCKED_FOR_ANOTHER_PYTHON,
            "The lockfile has no file of `native39` that this Python can use: neither a source "
            "distribution nor a wheel with a tag such as cp311-cp311-manylinux_2_36_x86_64 or "
            "py3-none-any. To fix, choose a version that has one, include this Python in "
            "`[python].resolves_to_interpreter_constraints`, and",
        ),
        (
            REFUSED_TO_PIP,
            "The user name or password for "
            "https://127.0.0.1:8443/files/hushhush-1.0-py3-none-any.whl is missing or wrong. "
            "To fix, correct the user name and password in the netrc file",
        ),
        (
            NOTHING_FOUND,
            "No index and no find-links location has a file of `hushhush==1.0` that this Python "
            "can use: neither a wheel nor a source distribution. pip skips an index that rejects "
            "the user name or password. To fix, correct the requirement;",
        ),
        (
            NOT_TRUSTED,
            "An index or a proxy presented a certificate that is not trusted. To fix, set "
            "`[GLOBAL].ca_certs_path`",
        ),
        (
            PROXY_REFUSES,
            "The proxy cannot be reached, or refuses the connection. To fix, correct HTTPS_PROXY",
        ),
        ("pip: ERROR: something new", "To fix, if a requirement has neither a wheel for"),
    ],
)
def test_what_pex_says_is_explained(said: str, explanation: str) -> None:
    assert explain(said).startswith(explanation)


@pytest.mark.parametrize(
    ("said", "explanation"),
    [
        (
            OLD_PIP,
            "Its lockfile pins pip==23.1.2, which does not run on CPython 3.13.0, the oldest Python "
            "found that the tool's interpreter constraints allow. To fix, install a CPython 3.8, "
            "3.9, 3.10 or 3.11 where `[python-bootstrap].search_path` looks (your code does not have "
            "to allow it), or set `[pex-cli].version` to `v2.56.0` or newer.",
        ),
        (
            NO_PYTHON,
            "There is no Python that it can run on. To fix, install one that the tool's interpreter "
            "constraints allow where `[python-bootstrap].search_path` looks (your code does not have "
            "to allow it).",
        ),
        (NOTHING_FOUND, None),
    ],
)
def test_what_pex_says_of_a_tool_is_explained(said: str, explanation: str | None) -> None:
    assert explain_tool(said) == explanation


OLD_SETUPTOOLS_EXPLAINED = (
    "setuptools, or the pip that its lockfile pins, is too old for the Python that builds them. By "
    "default, Pants 2.16 and 2.17 can build wheels with Python 3.11 and older only. To fix, set "
    '`[setuptools].version` to "setuptools==69.5.1" and `[setuptools].lockfile` to "<none>", or let '
    "the `interpreter_constraints` of the code allow a Python from 3.9 to 3.11 as well."
)


@pytest.mark.parametrize(
    ("said", "explanation"),
    [
        (OLD_PIP, OLD_SETUPTOOLS_EXPLAINED),
        (OLD_SETUPTOOLS, OLD_SETUPTOOLS_EXPLAINED),
        (
            NO_PIP,
            "No pip that Pex knows runs on all of the Pythons found that the code allows. To fix, "
            "narrow the `interpreter_constraints` of the code, for example to "
            "`CPython>=3.9,<3.14`, or, for Python 3.14, set `[pex-cli].version` to `v2.21.0` or "
            "newer.",
        ),
        ("SyntaxError: invalid syntax", None),
    ],
)
def test_what_is_said_of_a_wheel_is_explained(said: str, explanation: str | None) -> None:
    assert explain_build(said) == explanation
