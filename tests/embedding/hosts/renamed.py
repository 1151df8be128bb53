"""A table that was there before, with other names, moments without a zone, and expressions."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Integer, String, case, cast, create_engine, func
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
    scoped_session,
    sessionmaker,
)

from omsflask import OMS, customers

from .host import CHANNELS, ROWS, Host, fill, new_app, verify


class Base(DeclarativeBase):
    pass


class Store(Base):
    __tablename__ = "stores"

    number: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    people: Mapped[list["Person"]] = relationship(back_populates="store")


class Person(Base):
    __tablename__ = "people"

    number: Mapped[int] = mapped_column("nr", primary_key=True)
    made: Mapped[datetime] = mapped_column(DateTime(timezone=False))
    touched: Mapped[datetime] = mapped_column(DateTime(timezone=False))
    remote_number: Mapped[str]
    mail: Mapped[str] = mapped_column("e-mail", String(254))
    given_name: Mapped[str | None]
    family_name: Mapped[str | None] = mapped_column()
    tel: Mapped[str | None]
    partner: Mapped[str | None]
    store_number: Mapped[int | None] = mapped_column(ForeignKey("stores.number"))
    store: Mapped[Store | None] = relationship(back_populates="people")
    family = column_property(case((family_name == "-", None), else_=family_name))

    @hybrid_property
    def given(self) -> str | None:
        return self.given_name

    @given.inplace.expression
    @classmethod
    def _given(cls) -> object:
        return func.replace(cls.given_name, "_", "")


def build(url: str) -> Host:
    """A host whose model knows nothing of the service."""
    app, engine = new_app(), create_engine(url)
    Base.metadata.create_all(engine)
    stores = ({"number": it["id"], "title": it["name"]} for it in CHANNELS)
    people = (
        {
            "nr": row["id"],
            "made": row["created_date"].replace(tzinfo=None),
            "touched": row["modified_date"].replace(tzinfo=None),
            "remote_number": str(row["omnitron_id"]),
            "e-mail": row["email"],
            "given_name": f"_{row['first_name']}",
            "family_name": row["last_name"],
            "tel": row["phone_number"],
            "partner": row["erp_code"],
            "store_number": row["channel_id"],
        }
        for row in ROWS
    )
    fill(engine, (Store, stores), (Person, people))
    oms = OMS(scoped_session(sessionmaker(engine)), verify_token=verify)
    oms.add(
        customers.list_simple.bind(
            Person,
            id=Person.number,
            created_date=Person.made,
            modified_date=Person.touched,
            omnitron_id=cast(Person.remote_number, Integer),
            email=Person.mail,
            first_name=Person.given,
            last_name=Person.family,
            phone_number=func.coalesce(Person.tel, None),
            erp_code=Person.partner,
            channel=Person.store,
        )
    )
    oms.init_app(app)
    return Host(app, engine)
