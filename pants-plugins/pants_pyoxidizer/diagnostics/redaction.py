# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Removes credentials from the output of tools before it is shown."""

from __future__ import annotations

import re

# The user info of a URL, up to the last `@`. It should not contain `/`, `?` or `#`, but a password
# that is not percent-encoded may. So after a name and a colon, match up to the next space, unless a
# port and a path follow.
_USERINFO = re.compile(r"//(?:[^\s/?#:\[]*:(?!\d+[/?#])\S*@|[^\s/?#]*@)")


def without_credentials(text: str) -> str:
    """`text` with the user names, passwords and tokens in its URLs replaced by `****`."""
    return _USERINFO.sub("//****@", text)
