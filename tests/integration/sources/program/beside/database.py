# Licensed under the Apache License, Version 2.0 (see LICENSE).

import os
import tempfile

import sqlalchemy
from alembic import command
from alembic.config import Config


def upgrade(migrations):
    """The tables that there are when all migrations are applied."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{os.path.join(folder, 'it.db')}"
        config = Config()
        config.set_main_option("script_location", migrations)
        config.set_main_option("sqlalchemy.url", url)
        command.upgrade(config, "head")
        return sorted(sqlalchemy.inspect(sqlalchemy.create_engine(url)).get_table_names())
