"""A notification by each channel, what providers report of it, and preferences by topic and channel."""

import sqlalchemy as sa
from alembic import op

revision = "notification_0006"
down_revision = "notification_0005"
branch_labels = None
depends_on = None

KEY = ["customer_id", "topic", "channel"]
NEW = {
    "order_id": "the order that can say it once more",
    "provider_id": "what the provider calls it; its reports name it so",
    "delivery": "what a provider said became of it: no more than hearsay",
    "delivery_reason": None,
}
INSTANTS = ("reported_at", "resent_at")


def upgrade() -> None:
    op.drop_constraint("notifications_pkey", "notifications")
    op.create_primary_key("notifications_pkey", "notifications", ["cause", "kind", "channel"])
    op.alter_column("notifications", "cause", comment="what it is about; with kind and channel it is told once")
    for name, comment in NEW.items():
        op.add_column("notifications", sa.Column(name, sa.Text, comment=comment))
    for name in INSTANTS:
        op.add_column("notifications", sa.Column(name, sa.DateTime(timezone=True)))
    op.execute("create index notifications_of_provider on notifications (provider_id) where provider_id is not null")

    op.alter_column("preferences", "abandoned_cart", new_column_name="wanted", comment=None)
    op.alter_column("preferences", "customer_id", comment="for a guest the one order")
    for name, value in (("topic", "abandoned_cart"), ("channel", "email")):
        op.add_column("preferences", sa.Column(name, sa.Text, nullable=False, server_default=value))
        op.alter_column("preferences", name, server_default=None)
    op.drop_constraint("preferences_pkey", "preferences")
    op.create_primary_key("preferences_pkey", "preferences", KEY)


def downgrade() -> None:
    op.execute("delete from preferences where topic <> 'abandoned_cart' or channel <> 'email'")
    op.drop_constraint("preferences_pkey", "preferences")
    for name in ("topic", "channel"):
        op.drop_column("preferences", name)
    op.alter_column("preferences", "wanted", new_column_name="abandoned_cart")
    op.create_primary_key("preferences_pkey", "preferences", ["customer_id"])

    # What went by two channels is one notification again: the mail.
    op.execute(
        "delete from notifications sms using notifications mail where (sms.cause, sms.kind) = "
        "(mail.cause, mail.kind) and sms.channel = 'sms' and mail.channel = 'email'"
    )
    op.execute("update notifications set status = 'failed', reason = 'unwanted' where status = 'unwanted'")
    op.drop_index("notifications_of_provider")
    for name in (*NEW, *INSTANTS):
        op.drop_column("notifications", name)
    op.drop_constraint("notifications_pkey", "notifications")
    op.create_primary_key("notifications_pkey", "notifications", ["cause", "kind"])
