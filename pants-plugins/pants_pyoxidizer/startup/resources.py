# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Files of a payload for `importlib.resources`."""

import io
from functools import lru_cache
from itertools import chain
from os.path import normpath
from typing import TYPE_CHECKING, Any, BinaryIO, Dict, Iterator, List, Union

from .importer import UNCHECKED_PYC
from .payload import Payload

if TYPE_CHECKING:
    from .payload import Extent


@lru_cache(maxsize=None)
def bytecode(payload: Payload) -> "Dict[str, Extent]":
    """The code of modules without source, by the path that it would have in a folder."""
    return {
        f"{path}c": code
        for path, _, code in payload.modules.values()
        if code is not None and path not in payload.files
    }


class PayloadPath:
    """A file or folder, as `importlib.resources.abc.Traversable` describes it."""

    def __init__(self, payload: Payload, path: str) -> None:
        self.payload = payload
        self.path = path  # Relative to the payload's root, without "/" at the end.

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.payload.path}/{self.path}"

    def __repr__(self) -> str:
        return f"PayloadPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PayloadPath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def is_file(self) -> bool:
        return self.path in self.payload.files or self.path in bytecode(self.payload)

    def is_dir(self) -> bool:
        return next(self._below(), None) is not None

    def exists(self) -> bool:
        """For `importlib.metadata`, from Python 3.12 on."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator["PayloadPath"]:
        names = sorted({rest.split("/")[0] for rest in self._below()})
        if not names:
            raise NotADirectoryError(20, "Not a folder in the payload", str(self))
        return (self / name for name in names)

    def joinpath(self, *descendants: str) -> "PayloadPath":
        path = normpath("/".join((".", self.path, *map(str, descendants))))
        # A path that leads out of the payload keeps its "..", so nothing is found there.
        return PayloadPath(self.payload, "" if path == "." else path)

    def __truediv__(self, child: str) -> "PayloadPath":
        return self.joinpath(child)

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Union[BinaryIO, io.TextIOWrapper]:
        if mode not in ("r", "rt", "rb"):
            raise ValueError(f"invalid mode for a file inside of an executable: {mode!r}")
        stream = io.BytesIO(self.read_bytes())
        return stream if mode == "rb" else io.TextIOWrapper(stream, *args, **kwargs)

    def read_bytes(self) -> bytes:
        if self.path in self.payload.files:
            return bytes(self.payload.read(self.payload.files[self.path]))
        if self.path in bytecode(self.payload):
            return UNCHECKED_PYC + self.payload.read(bytecode(self.payload)[self.path])
        raise FileNotFoundError(2, "No such file in the payload", str(self))

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        # Translate line ends to "\n", as `open` does.
        stream = io.BytesIO(self.read_bytes())
        return io.TextIOWrapper(stream, encoding or "utf-8", errors).read()

    def _below(self) -> Iterator[str]:
        prefix = f"{self.path}/" if self.path else ""
        for path in chain(self.payload.files, bytecode(self.payload)):
            if path.startswith(prefix):
                yield path[len(prefix) :]


class PayloadReader:
    """The files of a package, for `importlib.resources` of all supported Pythons."""

    def __init__(self, payload: Payload, folder: str) -> None:
        self._path = PayloadPath(payload, folder[len(payload.path) + 1 :])

    def files(self) -> PayloadPath:
        return self._path

    def open_resource(self, resource: str) -> BinaryIO:
        return io.BytesIO((self._path / resource).read_bytes())

    def resource_path(self, resource: str) -> str:
        # The caller then copies it to a temporary file.
        raise FileNotFoundError(2, "Not on the filesystem", str(self._path / resource))

    def is_resource(self, name: str) -> bool:
        return (self._path / name).is_file()

    def contents(self) -> List[str]:
        return [path.name for path in self._path.iterdir()]
