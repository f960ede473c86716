# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Keeps passwords out of what is shown of a tool's output."""

from __future__ import annotations

import re

# What stands before the host of a URL, up to the last `@`. It should end before a `/`, `?` or `#`.
# In a password that is not percent-encoded, these may occur; so after a name and a colon, all counts
# up to the next space, unless it is a port and a path.
_USERINFO = re.compile(r"//(?:[^\s/?#:\[]*:(?!\d+[/?#])\S*@|[^\s/?#]*@)")


def without_credentials(text: str) -> str:
    """`text` without the user names, passwords and tokens of URLs in it."""
    return _USERINFO.sub("//****@", text)
