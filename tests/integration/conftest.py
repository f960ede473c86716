# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Iterator

import pytest

from integration.pex_cli import PexCli
from integration.repository import Repository


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository for all tests of a module: its daemon is started once."""
    repository = Repository.create(tmp_path_factory.mktemp("repository"))
    yield repository
    repository.stop_pantsd()


@pytest.fixture(scope="session")
def pex_of_pants(tmp_path_factory: pytest.TempPathFactory) -> PexCli:
    """The Pex that Pants uses by default."""
    return PexCli.of_pants(tmp_path_factory.mktemp("pex"))
