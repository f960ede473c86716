# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
import string
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pants_pyoxidizer.diagnostics.redaction import without_credentials
from unit.waiting import time_limit

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
    text = frame.format(f"{scheme}://jane:{password}@{host}{path}")
    assert password not in without_credentials(text)


@given(FRAMES, st.integers(0), st.sampled_from("/?#"), st.text(VISIBLE), HOSTS, PATHS)
def test_nothing_survives_of_a_password_that_looks_like_a_port_and_a_path(
    frame: str, number: int, separator: str, rest: str, host: str, path: str
) -> None:
    password = f"{number}{separator}{rest}"
    assume(len(password) > 3)
    text = frame.format(f"https://jane:{password}@{host}{path}")
    assert f"jane:{number}" not in without_credentials(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://jane:12/ab@h",
        "https://jane:1234@host:80/",
        "https://jane:0123/ab@h/",
        "https://jane:65536/ab@h/@scope",
        "https://jane.doe:12/ab@pypi.example.com/simple/",
        "git+https://jane:12/ab@example.com/org/repo.git@v1.0",
    ],
)
def test_passwords_of_digits(url: str) -> None:
    assert without_credentials(url) == f"{url[:url.index('j')]}****{url[url.rindex('@'):]}"


@pytest.mark.parametrize(
    "name",
    [
        *("token", "access_token", "private_token", "authToken", "api_key", "apikey", "key", "sig"),
        *("signature", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "auth"),
        *("AWSAccessKeyId", "X-Goog-Signature", "password", "client_secret", "subscription-key"),
    ],
)
@given(
    frame=FRAMES,
    before=st.sampled_from(["?", "?x=y&", "?x=y;", "?x=y&amp;", "#"]),
    secret=st.text(min_size=8),
    after=st.sampled_from(["", "&x=y", "#sha256=0"]),
)
@settings(max_examples=20)
def test_nothing_survives_of_secret_parameters(
    name: str, frame: str, before: str, secret: str, after: str
) -> None:
    def url(value: str) -> str:
        return frame.format(f"https://example.com/simple/{before}{name}={value}{after}")

    found = without_credentials(url(quote(secret, safe="")))
    assert found == without_credentials(url("another"))
    assert f"/simple/{before}{name}=****" in found


HEADERS = [
    *("Authorization: {}", "Proxy-Authorization: Basic {}", "authorization: Bearer {}"),
    *("Authorization: Token  {}", "Cookie: a=b; session={}", "Set-Cookie: session={}; Secure"),
    *("PRIVATE-TOKEN: {}", "Job-Token:{}", "X-Auth-Token: {}", "X-Api-Key: {}", "X-ApiKey: {}"),
    *("X-JFrog-Art-Api: {}", "X-Amz-Security-Token: {}", "Ocp-Apim-Subscription-Key: {}"),
    'Authorization: Digest username="jane", realm="x", response="{}"',
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "> {}\n> Accept: */*",
        "curl -H '{}' https://example.com",
        'curl --header="{}"',
        "send: b'GET / HTTP/1.1\\r\\n{}\\r\\nAccept: */*\\r\\n'",
    ],
)
def test_nothing_survives_of_secret_headers(frame: str, header: str) -> None:
    text = without_credentials(frame.format(header.format("c2VjcmV0/+.=")))
    assert "c2VjcmV0" not in text and "****" in text
    name = header.partition(":")[0]
    before, _, after = frame.partition("{}")
    if '"' not in frame:  # They occur in headers, too.
        assert text.startswith(f"{before}{name}:") and text.endswith(after)


def test_nothing_survives_of_headers_in_data() -> None:
    headers = {"authorization": "Basic s3cret", "PRIVATE-TOKEN": "s3cret", "accept": "text"}
    hidden = {"authorization": "****", "PRIVATE-TOKEN": "****", "accept": "text"}
    values = {name: value.encode() for name, value in headers.items()}
    for text, expected in (
        (repr(headers), repr(hidden)),
        (repr([*headers.items()]), repr([*hidden.items()])),
        (json.dumps(headers, indent=1), json.dumps(hidden, indent=1)),
        (repr(values), repr({name: value.encode() for name, value in hidden.items()})),
    ):
        assert without_credentials(text) == expected


def test_cargo_shows_the_line_of_a_broken_file_with_credentials() -> None:
    text = 'TOML parse error at line 3, column 16\n  |\n3 | token = "s3cret\n  |       ^\n'
    assert without_credentials(text) == text.replace('"s3cret', "****")


@given(st.text() | st.text("/:@?&#=1a.\"' ") | st.text("Authorization: token-= \"'\n", max_size=90))
@settings(max_examples=500)
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
        "git+ssh://gitserver:2222/org/repo.git@v1.0",
        "http://gitserver:2222/simple/@scope/name",
        "http://localhost:8080/a@b",
        "https://example.com/?author=jane&monkey=1;tokens#egg=token",
        "error: unexpected token: `;`, expected `Authorization`",
        "12 | let token == next_token();",
    ],
)
def test_what_has_no_credentials_stays(text: str) -> None:
    assert without_credentials(text) == text


def test_several_in_one_line() -> None:
    text = "--index-url https://a:b@one/simple/ --extra-index-url https://token@two/simple/"
    assert without_credentials(text) == (
        "--index-url https://****@one/simple/ --extra-index-url https://****@two/simple/"
    )


@pytest.mark.parametrize(
    "part",
    [
        *(
            "/",
            "//",
            "//a",
            "//a:",
            "//a:1/",
            "//a:1",
            "//a@",
            "@",
            "@a.",
            "@a.b:",
            "@1.",
            "1",
            ":",
        ),
        *("?", "?a", "&token", "?token=", "?a=b", "-", "a-token", "a-token ", "-token:", "cookie"),
        *(
            "Authorization:",
            'Authorization:="',
            "'token',",
            '="',
            "1 | token",
            "token = ",
            "|",
            " ",
        ),
    ],
)
@pytest.mark.parametrize("end", ["", "@", "/@", "\n", '"'])
def test_the_time_is_linear(part: str, end: str) -> None:
    with time_limit(10):
        without_credentials(f"1 | {part * (150_000 // len(part))}{end}")
