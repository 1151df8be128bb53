"""Accounts that see their own customers only, by keys of their own."""

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, customers

from .host import CHANNELS, KEY, ROWS, Host, fill, new_app

OTHER_KEY = "key-of-another"

#: Another account's customers, like the first one's but for their keys and a name.
SECRETS = [row | {"id": row["id"] + 500, "last_name": "Secret"} for row in ROWS]


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str]


class Channel(ChannelMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    account_id: Mapped[int]


def build(url: str) -> Host:
    """A host with a login of its own, of which a request knows only the key."""
    app, engine = new_app(), create_engine(url)
    Base.metadata.create_all(engine)
    session = scoped_session(sessionmaker(engine))
    accounts = [{"id": 1, "secret": KEY}, {"id": 2, "secret": OTHER_KEY}]
    fill(engine, (Channel, CHANNELS), (Account, accounts))
    fill(
        engine,
        (Customer, (row | {"account_id": 1} for row in ROWS)),
        (Customer, (row | {"account_id": 2} for row in SECRETS)),
    )

    def account_for_key(key: str) -> Account | None:
        return session.scalar(select(Account).where(Account.secret == key))

    oms = OMS(session, verify_token=account_for_key)
    oms.add(
        customers.list_simple.bind(
            Customer, scope=lambda these, account: these.where(Customer.account_id == account.id)
        )
    )
    oms.init_app(app)
    app.teardown_appcontext(lambda _error: session.remove())
    return Host(app, engine)
