# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Files of a payload for `importlib.resources`."""

import io
from typing import Any, BinaryIO, Iterator, List, Union

from .payload import Payload


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
        return self.path in self.payload.files

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
        parts = [part for text in (self.path, *descendants) for part in str(text).split("/")]
        return PayloadPath(self.payload, "/".join(part for part in parts if part not in ("", ".")))

    def __truediv__(self, child: str) -> "PayloadPath":
        return self.joinpath(child)

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Union[BinaryIO, io.TextIOWrapper]:
        if mode not in ("r", "rt", "rb"):
            raise ValueError(f"invalid mode for a file inside of an executable: {mode!r}")
        stream = io.BytesIO(self.read_bytes())
        return stream if mode == "rb" else io.TextIOWrapper(stream, *args, **kwargs)

    def read_bytes(self) -> bytes:
        if not self.is_file():
            raise FileNotFoundError(2, "No such file in the payload", str(self))
        return bytes(self.payload.read(self.payload.files[self.path]))

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self.read_bytes().decode(encoding or "utf-8", errors)

    def _below(self) -> Iterator[str]:
        prefix = f"{self.path}/" if self.path else ""
        for path in self.payload.files:
            if path.startswith(prefix):
                yield path[len(prefix) :]
        for path, _, _ in self.payload.modules.values():
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
