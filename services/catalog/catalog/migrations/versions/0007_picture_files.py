"""The files of pictures, by the hash of what they are; those there are keep the name they have."""

from alembic import op

revision = "catalog_0007"
down_revision = "catalog_0006"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE picture_files (
    name text PRIMARY KEY,
    free_from timestamptz
);
COMMENT ON TABLE picture_files IS 'pictures that may have files, by the hash of what they are';
COMMENT ON COLUMN picture_files.free_from
    IS 'when nobody is about to show it any more; null: shown when somebody looked last';
CREATE INDEX picture_files_free ON picture_files (free_from) WHERE free_from IS NOT NULL;
INSERT INTO picture_files SELECT id FROM images;
ALTER TABLE images ADD file text REFERENCES picture_files (name) ON DELETE RESTRICT;
UPDATE images SET file = id;
ALTER TABLE images ALTER file SET NOT NULL;
CREATE INDEX ix_images_file ON images (file);
"""


def upgrade() -> None:
    for statement in UPGRADE.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE images DROP file")
    op.execute("DROP TABLE picture_files")
