"""A host's Alembic finds the mixins' columns and indexes: these, and after a migration no more."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from omsflask import ChannelMixin, CustomerMixin, TokenMixin


class Base(DeclarativeBase):
    """A host's models."""


class Channel(ChannelMixin, Base):
    pass


class Token(TokenMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    """With a name and a column of the host's own."""

    __tablename__ = "buyers"

    nickname: Mapped[str | None] = mapped_column(index=True)


@pytest.fixture
def engine(new_database: Callable[[], str]) -> Iterator[Engine]:
    """An engine over an empty database."""
    engine = create_engine(new_database())
    yield engine
    engine.dispose()


TOKEN = "id name prefix digest created_at expires_at revoked_at last_used_at"
CUSTOMER = (
    "nickname id created_date modified_date omnitron_id email first_name last_name phone_number"
    " erp_code channel_id"
)
FOUND = [
    ("add_table", "channels", ["id", "name"]),
    ("add_table", "tokens", TOKEN.split()),
    ("add_table", "buyers", CUSTOMER.split()),
    ("add_index", "ix_buyers_channel_id", ["channel_id", "modified_date", "id"]),
    ("add_index", "ix_buyers_channel_id_id", ["channel_id", "id"]),
    ("add_index", "ix_buyers_email", ["email", "id"]),
    ("add_index", "ix_buyers_erp_code", ["erp_code", "id"]),
    ("add_index", "ix_buyers_first_name", ["first_name", "id"]),
    ("add_index", "ix_buyers_last_name", ["last_name", "id"]),
    ("add_index", "ix_buyers_modified_date", ["modified_date", "id"]),
    ("add_index", "ix_buyers_nickname", ["nickname"]),
    ("add_index", "ix_buyers_phone_number", ["phone_number", "id"]),
]


def differences(engine: Engine) -> list[tuple[str, str, list[str]]]:
    """Return what autogenerate finds missing: the kind, the name and the columns of each."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        found = compare_metadata(context, Base.metadata)
    return [(kind, it.name, [column.name for column in it.columns]) for kind, it in found]


def test_autogenerate_finds_exactly_the_mixins_columns_and_indexes(engine: Engine) -> None:
    assert sorted(differences(engine)) == sorted(FOUND)


def test_a_generated_migration_leaves_nothing_to_find(engine: Engine) -> None:
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        script = produce_migrations(context, Base.metadata)
        assert script.upgrade_ops is not None
        body = render_python_code(script.upgrade_ops, migration_context=context)
        migration: dict[str, Callable[..., None]] = {}
        exec(f"def upgrade(op, sa):\n    {body}", {}, migration)
        migration["upgrade"](Operations(context), sqlalchemy)
    assert differences(engine) == []
