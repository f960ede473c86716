# Licensed under the Apache License, Version 2.0 (see LICENSE).

import sqlalchemy
from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.create_table("users", sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True))
