# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs PyOxidizer's bytecode compiler, and caches its output between builds.

usage: python kept_bytecode.py SCRIPT

In each build, PyOxidizer compiles the whole standard library, module by module, with a script that
it generates. A packed Python's `bin/python3` starts this program instead, which runs the script.
There, `compile` returns a promise, which `marshal.dumps` looks up in the cache or compiles.

Environment: PYOXIDIZER_CACHE_DIR, the folder of the cache file `bytecode`; if unset, nothing is
cached. PyOxidizer has one such folder per Python. An unreadable or damaged cache only costs time.
"""

import atexit
import contextlib
import hashlib
import marshal
import os
import sys
from typing import Any, Dict

# One standard library takes 15 MB. A larger cache is reduced to what the current build used.
MAX_BYTES = 100_000_000
KEPT_FILE = "bytecode"

real_dumps = marshal.dumps


class Promise:
    """A deferred call of `compile`."""

    def __init__(self, source: str, name: str, mode: str, optimize: int) -> None:
        self.arguments = (source, name, mode)
        self.optimize = optimize
        # Valid source has no surrogates, but `compile` should report them, not this line.
        text = "\0".join((name, mode, str(optimize), source))
        self.key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

    def compile(self) -> Any:
        return compile(*self.arguments, dont_inherit=True, optimize=self.optimize)


class Kept:
    """A cache of bytecode by key, in a file that starts with the SHA-256 of the rest."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.before = self._read()
        self.used: Dict[bytes, bytes] = {}

    def dumps(self, value: Any, *version: int) -> bytes:
        if not isinstance(value, Promise):
            return real_dumps(value, *version)
        code = self.before.get(value.key) or real_dumps(value.compile(), *version)
        self.used[value.key] = code
        return code

    def write(self) -> None:
        if self.used.keys() <= self.before.keys():
            return
        kept = {**self.before, **self.used}
        if sum(map(len, kept.values())) > MAX_BYTES:
            kept = self.used
        data = real_dumps(kept)
        temporary = f"{self.path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            with open(temporary, "wb") as file:
                file.write(hashlib.sha256(data).digest() + data)
            os.replace(temporary, self.path)

    def _read(self) -> Dict[bytes, bytes]:
        try:
            with open(self.path, "rb") as file:
                digest, data = file.read(hashlib.sha256().digest_size), file.read()
        except OSError:
            return {}
        if hashlib.sha256(data).digest() != digest:
            return {}
        kept: Dict[bytes, bytes] = marshal.loads(data)
        return kept


def main(script: str) -> None:
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec")
    script_globals: Dict[str, Any] = {"__name__": "__main__"}
    folder = os.environ.get("PYOXIDIZER_CACHE_DIR")
    if folder:
        kept = Kept(os.path.join(folder, KEPT_FILE))
        atexit.register(kept.write)
        # A global of the script only: imports still call the real `compile`.
        script_globals["compile"] = Promise
        marshal.dumps = kept.dumps
    exec(code, script_globals)


if __name__ == "__main__":
    main(sys.argv[1])
