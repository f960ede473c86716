# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import string
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pants_pyoxidizer.diagnostics.redaction import without_credentials

# The same examples each time, however slow the machine, and nothing written.
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")

VISIBLE = string.ascii_letters + string.digits + string.punctuation
# What encloses a URL in the output of a tool.
FRAMES = st.sampled_from(
    ["{}", "'{}'", '"{}"', "({})", "<{}>", "--index={},", "Looking in: {}\n", "[ {} ]", "x@y {}."]
)
SCHEMES = st.sampled_from(["https", "http", "git+ssh", "sparse+https", "socks5h"])
HOSTS = st.sampled_from(["127.0.0.1:8443", "example.com", "[::1]:80", "a-b.example"])
PATHS = st.sampled_from(["", "/", "/simple/", "/a/b-1.0-py3-none-any.whl", "/x?y=z#sha256=0"])


@given(FRAMES, SCHEMES, st.text(min_size=1), st.text(min_size=8), HOSTS, PATHS)
def test_nothing_survives_of_a_valid_url_but_what_is_no_secret(
    frame: str, scheme: str, user: str, password: str, host: str, path: str
) -> None:
    secret = f"{quote(user, safe='')}:{quote(password, safe='')}"
    text = frame.format(f"{scheme}://{secret}@{host}{path}")
    assert without_credentials(text) == frame.format(f"{scheme}://****@{host}{path}")


@given(FRAMES, SCHEMES, st.text(VISIBLE, min_size=6), HOSTS, PATHS)
def test_nothing_survives_of_what_parsers_take_for_userinfo(
    frame: str, scheme: str, secret: str, host: str, path: str
) -> None:
    url = f"{scheme}://{secret}@{host}{path}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return  # Such as a bracket in the wrong place.
    userinfo = parts.netloc.rpartition("@")[0]
    assume(len(userinfo) > 3)
    assert userinfo not in without_credentials(frame.format(url))


@given(FRAMES, SCHEMES, st.text(VISIBLE, min_size=8), HOSTS, PATHS)
def test_nothing_survives_of_a_password_that_should_have_been_encoded(
    frame: str, scheme: str, password: str, host: str, path: str
) -> None:
    assume(not password[0].isdigit())  # Or else it might be a port and a path.
    text = frame.format(f"{scheme}://jane:{password}@{host}{path}")
    assert password not in without_credentials(text)


@given(st.text())
def test_redaction_changes_nothing_that_is_redacted(text: str) -> None:
    redacted = without_credentials(text)
    assert without_credentials(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "https://pypi.example.com/simple/",
        "https://127.0.0.1:8443/simple/@scope/name",
        "http://[::1]:8080/a@b",
        "name @ git+https://example.com/org/repo.git@v1.0",
        "name @ git+https://example.com:443/org/repo.git@v1.0",
        "name @ file:///home/jane/name-1.0-py3-none-any.whl",
        "see https://example.com, or write to jane@example.com",
        "jane@example.com:22 // nothing",
    ],
)
def test_what_has_no_credentials_stays(text: str) -> None:
    assert without_credentials(text) == text


def test_several_in_one_line() -> None:
    text = "--index-url https://a:b@one/simple/ --extra-index-url https://token@two/simple/"
    assert without_credentials(text) == (
        "--index-url https://****@one/simple/ --extra-index-url https://****@two/simple/"
    )
