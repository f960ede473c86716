# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Imports the modules of a payload, as `zipimport` does those of a zip file.

The entry of `sys.path` is the path of the file with the payload, and the modules' paths are below
it, such as `/opt/app/bin/pkg/module.py`. So are those of the standard library, which PyOxidizer's
importer loads from the executable.
"""

import marshal
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader, SourcelessFileLoader
from os.path import normpath

import _imp

from .payload import Payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Iterator, Optional, Tuple


class PayloadLoader(SourcelessFileLoader):
    """Loads one module.

    The base class executes it, so that no frame of ours shows in tracebacks.
    """

    def __init__(self, payload: Payload, key: str, fullname: str) -> None:
        path, self._is_package, self._code = payload.modules[key]
        super().__init__(fullname, f"{payload.path}/{path}")
        self.payload = payload

    def is_package(self, fullname: str) -> bool:
        return self._is_package

    def get_code(self, fullname: str) -> "Optional[CodeType]":
        # `PayloadFinder` gives modules without code the other loader.
        code: "CodeType" = marshal.loads(self.payload.read(self._code))  # type: ignore[arg-type]
        # As Python's own loaders do: the path where it was compiled does not exist here.
        _imp._fix_co_filename(code, self.path)  # type: ignore[attr-defined]
        return code

    def get_source(self, fullname: str) -> "Optional[str]":
        try:
            data = self.get_data(self.path)
        except OSError:
            return None
        from importlib.util import decode_source

        return decode_source(data)

    def get_data(self, path: str) -> bytes:
        """Raises FileNotFoundError for what is not in the payload."""
        root = self.payload.path + "/"
        name = normpath(path[len(root) :]) if path.startswith(root) else ""
        contents = self.payload.files.get(name)
        if contents is None:
            raise FileNotFoundError(2, "No such file in the payload", path)
        return bytes(self.payload.read(contents))

    def get_resource_reader(self, fullname: str) -> "Any":
        from .resources import PayloadReader

        return (
            PayloadReader(self.payload, self.path.rpartition("/")[0]) if self._is_package else None
        )


class PayloadSourceLoader(PayloadLoader):
    """Loads a module that has only source.

    Python's own methods compile it, so that no frame of ours shows in a SyntaxError's traceback.
    """

    get_code = SourceFileLoader.get_code
    source_to_code = SourceFileLoader.source_to_code

    def path_stats(self, path: str) -> "Any":
        """Raise OSError: there is no cached bytecode to compare with."""
        raise OSError


class PayloadFinder:
    """Finds modules in one folder of a payload. `folder` is "" or ends with "/"."""

    def __init__(self, payload: Payload, folder: str) -> None:
        self.payload = payload
        self.folder = folder

    def find_spec(self, fullname: str, target: "Any" = None) -> "Optional[ModuleSpec]":
        key = self.folder + fullname.rpartition(".")[2]
        module = self.payload.modules.get(key)
        if module is not None:
            loader_class = PayloadSourceLoader if module[2] is None else PayloadLoader
            loader = loader_class(self.payload, key, fullname)
            spec = ModuleSpec(
                fullname, loader, origin=loader.path, is_package=loader.is_package(fullname)
            )
            spec.has_location = True
        elif key in self.payload.namespaces:
            spec = ModuleSpec(fullname, None, is_package=True)
        else:
            return None
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations = [f"{self.payload.path}/{key}"]
        return spec

    def invalidate_caches(self) -> None:
        """Do nothing, because payloads do not change."""

    def iter_modules(self, prefix: str = "") -> "Iterator[Tuple[str, bool]]":
        """For `pkgutil.iter_modules`."""
        for key, (_, is_package, _) in self.payload.modules.items():
            folder, slash, name = key.rpartition("/")
            if folder + slash == self.folder and name != "__init__":
                yield prefix + name, is_package


class DistributionFinder:
    """Finds metadata for `importlib.metadata`. On `sys.meta_path`, it finds no modules."""

    def __init__(self, payload: Payload) -> None:
        self.payload = payload

    def find_spec(self, fullname: str, path: "Any" = None, target: "Any" = None) -> None:
        return None

    def find_distributions(self, context: "Any") -> "Iterator[Any]":
        from .metadata import find_distributions

        return find_distributions(self.payload, context)


class LocatingFinder:
    """Wraps PyOxidizer's importer, `finder`, to give its modules a `__file__`.

    Much code reads `os.__file__`, if only to tell the standard library from other code. As with
    modules of a payload, the file does not exist.
    """

    def __init__(self, finder: "Any") -> None:
        self._finder = finder

    def find_spec(
        self, fullname: str, path: "Any" = None, target: "Any" = None
    ) -> "Optional[ModuleSpec]":
        spec: "Optional[ModuleSpec]" = self._finder.find_spec(fullname, path, target)
        if spec is not None:
            self.locate(spec)
        return spec

    def locate(self, spec: ModuleSpec) -> bool:
        """Set the origin of a module in the executable. Returns whether it is one, not built in."""
        if spec.loader is not self._finder or spec.origin is not None:
            return False
        is_package = spec.submodule_search_locations is not None
        path = spec.name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
        spec.origin = f"{sys.executable}/{path}"
        spec.has_location = True
        return True


def locate_stdlib() -> None:
    """Give the modules of PyOxidizer's importer a `__file__`, those already loaded included."""
    for index, finder in enumerate(sys.meta_path):
        if type(finder).__name__ == "OxidizedFinder":
            locating = LocatingFinder(finder)
            for module in list(sys.modules.values()):
                spec = getattr(module, "__spec__", None)
                if spec is not None and locating.locate(spec):
                    module.__file__ = spec.origin
            sys.meta_path.insert(index, locating)
            break


def locate_bytecode() -> None:
    """Have bytecode without a source name its own place, as Python does where there is a source.

    Otherwise it names the path that it was compiled with, which is relative in `lib`.
    """
    get_code = SourcelessFileLoader.get_code

    def get_located_code(self: SourcelessFileLoader, fullname: str) -> "CodeType":
        code: "CodeType" = get_code(self, fullname)  # type: ignore[assignment]
        # Where a source would be: for `pkg/mod.pyc`, as `inspect` takes it, `pkg/mod.py`.
        _imp._fix_co_filename(code, self.path[:-1])  # type: ignore[attr-defined]
        return code

    SourcelessFileLoader.get_code = get_located_code  # type: ignore[assignment]


def install(payload: Payload) -> None:
    """Make the modules of a payload importable, ahead of those in folders."""

    def path_hook(path: str) -> "Any":
        if path == payload.path:
            return PayloadFinder(payload, "")
        if isinstance(path, str) and path.startswith(payload.path + "/"):
            return PayloadFinder(payload, path[len(payload.path) + 1 :] + "/")
        raise ImportError(f"{path} is not in the payload")

    sys.path_hooks.insert(0, path_hook)
    sys.path.insert(0, payload.path)
    sys.path_importer_cache.pop(payload.path, None)
    sys.meta_path.append(DistributionFinder(payload))
    locate_bytecode()
