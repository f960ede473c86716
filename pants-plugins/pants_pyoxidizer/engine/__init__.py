# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The parts of Pants' API that differ between the supported releases, under one set of names.

Rules call other rules by name, which is all that Pants 2.32 and newer offer. `by_name` re-exports
what such a Pants has. `by_type` builds the same names on `Get` for Pants 2.16 and 2.17. To drop
those releases, delete `by_type` and import from `by_name` here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version
from pants.version import PANTS_SEMVER

# Type checkers see the Pants that this repository is developed with.
if TYPE_CHECKING or PANTS_SEMVER < Version("2.30.0.dev0"):
    from pants_pyoxidizer.engine.by_type import *  # noqa: F403
else:
    from pants_pyoxidizer.engine.by_name import *  # noqa: F403
