# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Starts a program: `python .../pants_pyoxidizer/programs MODULE ARGUMENT...`.

MODULE is relative to this package, for example `pack.pack_cpython`. Processes get a copy of the
package, so that programs import each other as in the plugin.
"""

import os
import runpy
import sys

if __name__ == "__main__":
    # Python puts the folder that it runs first on `sys.path`, even with `-I`.
    programs = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(os.path.dirname(programs))
    module = sys.argv.pop(1)
    runpy.run_module(f"pants_pyoxidizer.programs.{module}", run_name="__main__", alter_sys=True)
