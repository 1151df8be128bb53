"""An index of a channel's customers in the order of their keys, which is the default."""

from alembic import op

revision = "0003"
down_revision = "0002"

NAME = "ix_customers_channel_id_id"


def upgrade() -> None:
    op.create_index(NAME, "customers", ["channel_id", "id"])


def downgrade() -> None:
    op.drop_index(NAME, "customers")
