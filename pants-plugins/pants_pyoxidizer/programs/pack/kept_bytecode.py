# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs PyOxidizer's bytecode compiler, and keeps what it compiled for the next time.

usage: python kept_bytecode.py SCRIPT

PyOxidizer compiles the whole standard library in each build, module by module, with a script that
it writes for that. A packed Python's `bin/python3` has this program run the script instead. To the
script, `compile` gives a promise, which `marshal.dumps` looks up, or else keeps.

Environment: PYOXIDIZER_CACHE_DIR, the folder in which the file `bytecode` is kept; without it,
nothing is. PyOxidizer has one folder for each Python. A file that cannot be read, or is damaged,
costs time only.
"""

import atexit
import contextlib
import hashlib
import marshal
import os
import sys
from typing import Any, Dict

# Of one standard library it is 15 MB. What other builds had that is more than this is forgotten.
MAX_BYTES = 100_000_000
KEPT_FILE = "bytecode"

real_dumps = marshal.dumps


class Promise:
    """What `compile` was called with."""

    def __init__(self, source: str, name: str, mode: str, optimize: int) -> None:
        self.arguments = (source, name, mode)
        self.optimize = optimize
        # No valid source has surrogates, but this must not be where it fails.
        text = "\0".join((name, mode, str(optimize), source))
        self.key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

    def compile(self) -> Any:
        return compile(*self.arguments, dont_inherit=True, optimize=self.optimize)


class Kept:
    """Bytecode by key, in a file that begins with the SHA-256 of the rest."""

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
        # The script's own name: imports call the real one.
        script_globals["compile"] = Promise
        marshal.dumps = kept.dumps
    exec(code, script_globals)


if __name__ == "__main__":
    main(sys.argv[1])
