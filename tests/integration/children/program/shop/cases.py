# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Django."""

import contextlib
import http.client
import os
import sqlite3
import tempfile

from plain.tools import answer, edit, eventually, free_port, itself, printed, started, write


def migrate():
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/outside.py", "TEXT = 'first'\n")
        env = {**os.environ, "SHOP_DATA": folder}
        assert "shop.0001_items... OK" in printed(
            itself("shop.roles", "manage", "migrate"), env=env
        )
        with contextlib.closing(sqlite3.connect(f"{folder}/shop.db")) as database:
            assert database.execute("select name from shop_item").fetchall() == []
        shown = printed(itself("shop.roles", "manage", "showmigrations"), env=env)
        assert "[X] 0001_items" in shown, shown


def runserver():
    """With its reloader, which watches a module outside."""
    with tempfile.TemporaryDirectory() as folder:
        outside = os.path.join(folder, "outside.py")
        write(outside, "TEXT = 'first'\n")
        port = str(free_port())
        env = {**os.environ, "SHOP_DATA": folder}
        with started("shop.roles", "manage", "runserver", port, env=env, start_new_session=True):

            def text():
                return answer(http.client.HTTPConnection("127.0.0.1", int(port), timeout=10))

            assert eventually(text) == ["first"]
            edit(outside, "TEXT = 'second'\n", lambda: text() == ["second"])
