# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What reads files of a package whose name it is told. None of that shows in this package."""

import contextlib
import io


def alembic():
    from beside.database import upgrade

    assert upgrade("beside:migrations") == ["alembic_version", "users"]


def pytest():
    import pytest

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        status = pytest.main(["--pyargs", "beside", "-p", "no:cacheprovider"])
    assert status == 1 and "1 failed, 1 passed" in text.getvalue(), text.getvalue()
    assert "assert [1, 2] == [1, 3]" in text.getvalue(), text.getvalue()
