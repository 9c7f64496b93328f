"""Roles that administrators define."""

from alembic import op

revision = "identity_0006"
down_revision = "identity_0005"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE roles (
    name text PRIMARY KEY,
    description text NOT NULL,
    rights text[] NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
ALTER TABLE users DROP CONSTRAINT users_role_known;
CREATE INDEX users_role ON users (role) WHERE role <> 'customer'
"""

BACK = """
DROP INDEX users_role;
UPDATE users SET role = 'customer' WHERE role NOT IN ('customer', 'staff', 'admin');
ALTER TABLE users ADD CONSTRAINT users_role_known CHECK (role IN ('customer', 'staff', 'admin'));
DROP TABLE roles
"""


def upgrade() -> None:
    for statement in CHANGES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    for statement in BACK.split(";\n"):
        op.execute(statement)
