# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Keeps secrets out of what is shown of a tool's output: in URLs, headers and cargo's credentials.

In doubt, text is hidden. The time is linear in the length of the text, whatever the text: lines of
a log may have megabytes.
"""

from __future__ import annotations

import re
from typing import Match

HIDDEN = "****"

# --- What precedes the host of a URL, as in `//jane:secret@host`.
#
# It should end before a `/`, `?` or `#`, but these occur in passwords that are not percent-encoded.
# So after a name and a colon, all up to the last `@` counts, unless it is a port and a path.
_UNBROKEN = re.compile(r"\S+")
_NAME = re.compile(r"([^/?#:\[]*):")
_PORT = re.compile(r"(\d+)[/?#]")
_AUTHORITY = re.compile(r"[^/?#]*")
_AFTER_AT = re.compile(r"@(\[[\dA-Fa-f:.]+\]|[\w.-]+)")
_HOST = re.compile(r"\[.*|localhost|\d+\.\d+\.\d+\.\d+|[\w.-]+\.[A-Za-z]{2,}\.?")
# Such URLs name a revision, as in `git+https://host/repository@v1`.
_VCS = re.compile(r"(?:git|hg|bzr|svn)\+\w+:")

# --- Parameters of URLs, as in `?token=secret`.
_PARAMETER = re.compile(r"""([?&;#]([\w.%~-]+)=)[^\s?&;#"'<>]+""")
_SECRET = re.compile(
    "token|secret|passw|passphrase|signature|credential|jwt|apikey|accesskey|privatekey|artapi"
)
_SECRET_ENDINGS = ("auth", "key", "pass", "pat", "pwd", "sig")

# --- Headers, as in `Authorization: Basic secret`, also as Python, JSON or a shell write them.
_START = r"(?:(?<![\w-])|(?<=\\[nr]))"
_COLON = r"""(?:["'][ \t]*[:,]|[ \t]*:)[ \t]*(?:b?["'])?"""
# The values of these may contain spaces, and strings after a `=`.
_LINE_HEADER = re.compile(
    rf"""({_START}(?:(?:proxy-)?authorization|(?:set-)?cookie){_COLON})"""
    r"""[^\s"'\\](?:[^\r\n"'\\]|(?<==)"[^"\r\n]*")*""",
    re.IGNORECASE,
)
_WORD_HEADER = re.compile(
    rf"({_START}\w[\w-]*-(?:token|secret|password|art-api|(?:access|api|auth|subscription)-?key)"
    rf"""{_COLON})[^\s"'\\]+""",
    re.IGNORECASE,
)

# --- Lines that cargo shows of a broken file with credentials: `3 | token = "secret`.
_TOML_LINE = re.compile(
    r"""^([ \t]*\d+[ \t]*\|[^\n]*?(?<![\w-])(?:token|secret-key|password)["']?[ \t]*=(?!=)[ \t]*)"""
    r"[^\s][^\n]*",
    re.MULTILINE,
)


def without_credentials(text: str) -> str:
    """`text` without the user names, passwords and tokens that it is known how to recognize."""
    text = _UNBROKEN.sub(_hide_userinfo, text)
    text = _PARAMETER.sub(_hide_parameter, text)
    for pattern in (_LINE_HEADER, _WORD_HEADER, _TOML_LINE):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def _hide_userinfo(match: Match[str]) -> str:
    text = match[0]
    last_at = text.rfind("@")
    start = text.find("//", 0, max(last_at, 0))
    if start < 0:
        return text
    hosts = (m.start() for m in _AFTER_AT.finditer(text) if _HOST.fullmatch(m[1]))
    last_host = max(hosts, default=-1)
    parts, done = [], 0
    while 0 <= start < last_at:
        at = _end_of_userinfo(text, start + 2, last_at, last_host)
        if at >= 0:
            parts += [text[done:start], f"//{HIDDEN}"]
            done = at
        start = text.find("//", max(start + 1, at))
    return "".join([*parts, text[done:]])


def _end_of_userinfo(text: str, start: int, last_at: int, last_host: int) -> int:
    """Where its `@` is, or -1. `last_host` is the last `@` that can only precede a host."""
    name = _NAME.match(text, start)
    if name and name.end() <= last_at and not _is_host_and_port(text, name, last_at, last_host):
        return last_at
    authority = _AUTHORITY.match(text, start)
    return text.rfind("@", start, authority.end() if authority else start)


def _is_host_and_port(text: str, name: Match[str], last_at: int, last_host: int) -> bool:
    """Whether a name and a colon are followed by a port and a path, in which each `@` is.

    A password may look the same: `//jane:12/ab@host`.
    """
    port = _PORT.match(text, name.end())
    if port is None or len(port[1]) > 5 or not 0 < int(port[1]) < 65536:
        return False
    if last_host >= port.end():
        return False
    is_host = "." in name[1] or name[1] == "localhost"
    is_path = text[last_at - 1] == "/" or _VCS.search(text, max(name.start() - 20, 0), name.start())
    return is_host or bool(is_path)


def _hide_parameter(match: Match[str]) -> str:
    words = re.split(r"[-_.]", match[2].lower())
    is_secret = words[-1] in _SECRET_ENDINGS or _SECRET.search("".join(words))
    return f"{match[1]}{HIDDEN}" if is_secret else match[0]
