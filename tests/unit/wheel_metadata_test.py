# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pants_pyoxidizer.programs.wheels.wheel_content import describe_content
from pants_pyoxidizer.wheels.metadata import FileUse, Wheel, parse_wheels


def test_parse_what_the_program_writes(tmp_path: Path) -> None:
    description: dict[str, Any] = {
        "path": "w/a-1-py3-none-any.whl",
        "filename": "a-1-py3-none-any.whl",
        "name": "A.b_c",
        "version": "1",
        "requires_dist": ["x", "y"],
        "requires_python": None,
        "provides_extra": [],
        "tags": ["py3-none-any"],
        "root_is_purelib": True,
        "sha256": "0f",
        "record_sha256": "4567",
        "file_uses": [
            {"kind": "file", "what": "`__file__`", "where": "a/__init__.py:1", "needs": ["x"]}
        ],
        **describe_content(["a/__init__.py", "a/x.txt", "ns/a/__main__.py"]),
    }
    (parsed,) = parse_wheels(json.dumps([description]).encode())
    assert parsed == Wheel(
        path="w/a-1-py3-none-any.whl",
        filename="a-1-py3-none-any.whl",
        name="A.b_c",
        version="1",
        requires_dist=("x", "y"),
        requires_python=None,
        provides_extra=(),
        tags=("py3-none-any",),
        root_is_purelib=True,
        modules=("a", "ns.a.__main__"),
        packages=("a",),
        namespaces=("ns", "ns.a"),
        executable_packages=("ns.a",),
        native_files=(),
        pth_files=(),
        data_files=("a/x.txt",),
        file_uses=(FileUse("file", "`__file__`", "a/__init__.py:1", ("x",)),),
        sha256="0f",
        record_sha256="4567",
    )
    assert parsed.normalized_name == "a-b-c"
    assert hash(parsed) == hash(parse_wheels(json.dumps([description]).encode())[0])
