"""The toy's read tables."""

import sqlalchemy as sa

metadata = sa.MetaData()

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("fired", sa.Integer, nullable=False),
)
heard = sa.Table(
    "heard",
    metadata,
    sa.Column("tally_id", sa.Text, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
log = sa.Table(
    "log",
    metadata,
    sa.Column("tally_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
)
