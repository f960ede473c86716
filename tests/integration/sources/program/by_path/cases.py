# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What asks for the paths of its own files."""

import importlib.resources
import inspect
import os
import sys
import tempfile

from beside.database import upgrade


def alembic_by_file():
    folder = os.path.join(os.path.dirname(__file__), "migrations")
    assert upgrade(folder) == ["alembic_version", "users"]


def alembic_by_resource():
    with importlib.resources.path("by_path.migrations", "env.py") as path:
        assert upgrade(str(path.parent)) == ["alembic_version", "users"]


def hydra():
    """It looks for a file `__init__.py` beside the configuration, and for that of who calls it."""
    import hydra

    found = []

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(config):
        found.append(config.db.user)

    with tempfile.TemporaryDirectory() as folder:
        sys.argv[1:] = ["db.user=me", f"hydra.run.dir={folder}"]
        main()
    assert found == ["me"]


def names():
    here = inspect.currentframe()
    assert __file__ == __spec__.origin == here.f_code.co_filename == inspect.stack()[0].filename
    assert os.path.isfile(__file__) and os.path.isabs(__file__)
    assert os.path.isfile(inspect.getfile(here))


def streamlit():
    if sys.version_info < (3, 11):
        return
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(os.path.join(os.path.dirname(__file__), "page.py")).run()
    assert not page.exception and page.title[0].value == "A page"
