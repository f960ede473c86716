# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from pathlib import Path

import pytest
from pants.core.util_rules import system_binaries
from pants.core.util_rules.system_binaries import BinaryNotFoundError
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_pyoxidizer.util_rules import c_toolchain
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain, CToolchainRequest


def find(*search_path: Path, with_make: bool = True) -> CToolchain:
    """What a new start of Pants finds."""
    rule_runner = RuleRunner(
        rules=[
            *c_toolchain.rules(),
            *system_binaries.rules(),
            QueryRule(CToolchain, (CToolchainRequest,)),
        ]
    )
    folders = [str(path) for path in search_path]
    rule_runner.set_options([f"--pyoxidizer-c-toolchain-search-path={folders}"])
    return rule_runner.request(CToolchain, [CToolchainRequest(with_make)])


def refusal(search_path: Path, with_make: bool = True) -> str:
    with pytest.raises(ExecutionError) as e:
        find(search_path, with_make=with_make)
    errors: tuple[Exception, ...] = e.value.wrapped_exceptions
    assert [type(error) for error in errors] == [BinaryNotFoundError]
    return str(errors[0])


def install(folder: Path, name: str, version: str = "1.0") -> None:
    folder.mkdir(exist_ok=True)
    tool = folder / name
    tool.write_text(f"#!/bin/sh\necho '{name} {version}'\n")
    tool.chmod(0o755)


def missing(search_path: Path, names: str) -> str:
    return (
        f"Building a PyOxidizer binary requires {names}, missing from {search_path}.\n\nTo fix, "
        "install a C toolchain (Debian and Ubuntu: `apt-get install gcc libc6-dev make`; Fedora: "
        "`dnf install gcc make`; macOS: `xcode-select --install`), or set "
        "`[pyoxidizer].c_toolchain_search_path` to the folders that contain it."
    )


@pytest.mark.parametrize(
    ("there", "names"),
    [
        (("ar", "make"), "`cc`"),
        (("cc",), "`ar` and `make`"),
        ((), "`cc` and `ar` and `make`"),
    ],
)
def test_missing_tools_are_named_with_where_they_were_looked_for(
    there: tuple[str, ...], names: str, tmp_path: Path
) -> None:
    for name in there:
        install(tmp_path, name)
    assert refusal(tmp_path) == missing(tmp_path, names)


def test_make_is_wanted_only_where_something_is_built_with_it(tmp_path: Path) -> None:
    assert refusal(tmp_path, with_make=False) == missing(tmp_path, "`cc` and `ar`")
    for name in ("cc", "ar"):
        install(tmp_path, name)
    without = find(tmp_path, with_make=False)
    assert refusal(tmp_path) == missing(tmp_path, "`make`")
    install(tmp_path, "make")
    assert find(tmp_path) == find(tmp_path, with_make=False) == without


def test_a_compiler_that_does_not_run_is_a_missing_one(tmp_path: Path) -> None:
    for name in ("cc", "ar", "make"):
        install(tmp_path, name)
    (tmp_path / "cc").write_text("#!/bin/sh\nexit 1\n")
    assert refusal(tmp_path) == missing(tmp_path, "`cc`")


def test_the_search_path_becomes_the_path(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    install(one, "cc")
    install(two, "ar")
    install(two, "make")
    assert find(one, two).path == f"{one}:{two}"


def test_the_fingerprint_changes_with_the_version_of_the_compiler(tmp_path: Path) -> None:
    for name in ("cc", "ar", "make"):
        install(tmp_path, name)
    before = find(tmp_path)
    assert find(tmp_path) == before
    install(tmp_path, "cc", version="2.0")
    after = find(tmp_path)
    assert after.path == before.path
    assert after.fingerprint != before.fingerprint
