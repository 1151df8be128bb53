"""A list whose rows are identified by a text or a UUID: paged, walked, filtered and exported."""

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields
from openpyxl import load_workbook
from sqlalchemy import CHAR, String, TypeDecorator, Uuid, create_engine, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from omsflask import OMS, Filter, FilterSet, ListService, Ordering


class HexUUID(TypeDecorator[uuid.UUID]):
    """A host's own type: a UUID that is kept as 32 characters."""

    impl = CHAR(32)
    cache_ok = True

    def process_bind_param(self, value: uuid.UUID | None, _dialect: object) -> str | None:
        return value and value.hex

    def process_result_value(self, value: str | None, _dialect: object) -> uuid.UUID | None:
        return value and uuid.UUID(value)


class Base(DeclarativeBase):
    pass


class Native(Base):
    __tablename__ = "native"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)


class AsText(Base):
    __tablename__ = "as_text"

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)


class Decorated(Base):
    __tablename__ = "decorated"

    id: Mapped[uuid.UUID] = mapped_column(HexUUID, primary_key=True)


class Written(Base):
    __tablename__ = "written"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)


class Code(Base):
    __tablename__ = "codes"

    id: Mapped[str] = mapped_column(String(36, collation=None), primary_key=True)


UUIDS = [uuid.uuid5(uuid.NAMESPACE_URL, str(number)) for number in range(25)]
TEXTS = [str(it) for it in UUIDS]
CODES = [f"{number:03}/ç %{number % 3}" for number in range(25)]

KEYS: list[tuple[type[Any], Any, list[Any], list[str]]] = [
    (Native, fields.UUID, UUIDS, TEXTS),
    (AsText, fields.UUID, TEXTS, TEXTS),
    (Decorated, fields.UUID, UUIDS, TEXTS),
    (Written, fields.UUID, TEXTS, TEXTS),
    (Written, fields.String, TEXTS, TEXTS),
    (Native, fields.String, UUIDS, TEXTS),
    (Code, fields.String, CODES, CODES),
]


@pytest.fixture(scope="module")
def urls(new_database: Callable[[], str]) -> str:
    """A database with a table for every model."""
    url = new_database()
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for model, keys in {model: keys for model, _, keys, _ in KEYS}.items():
            connection.execute(insert(model), [{"id": key} for key in keys])
    engine.dispose()
    return url


@pytest.fixture(params=KEYS, ids=lambda it: f"{it[0].__name__}-{it[1].__name__}")
def keyed(urls: str, request: pytest.FixtureRequest) -> Iterator[tuple[Client, list[str]]]:
    """A client of a list, and its keys in order."""
    model, field, _, shown = request.param
    filters = {"sort": Ordering(id="ID")}
    if model is not Native or field is fields.UUID:
        filters["id"] = Filter(field, lookups=("exact", "gt", "in"))
    listing = ListService(
        resource="things",
        name="all",
        schema=Schema.from_dict({"id": field()}),
        filters=type("Filters", (FilterSet,), filters),
    )
    engine = create_engine(urls)
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    oms.add(listing.bind(model))
    oms.init_app(app, url_prefix="/")
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    yield client, sorted(shown)
    engine.dispose()


PATH = "/things/all/"


def keys(client: Client, link: str) -> list[str]:
    return [row["id"] for row in client.get(link).json["results"]]


def test_pages_and_walks_show_every_row_once(keyed: tuple[Client, list[str]]) -> None:
    client, expected = keyed
    numbered = [it for page in (1, 2, 3) for it in keys(client, f"{PATH}?page={page}")]
    assert numbered == expected
    for query, wanted in (("cursor=", expected), ("sort=-id", expected[::-1])):
        walked, link = [], f"{PATH}?{query}&limit=4"
        while link:
            body = client.get(link).json
            walked += [row["id"] for row in body["results"]]
            link = body["next"]
        assert walked == wanted


def test_files_show_what_the_pages_do(keyed: tuple[Client, list[str]]) -> None:
    client, expected = keyed
    text = client.get(f"{PATH}?format=csv").text
    assert [row[0] for row in csv.reader(io.StringIO(text))][1:] == expected
    sheet = load_workbook(io.BytesIO(client.get(f"{PATH}?format=xlsx").data)).active
    assert sheet is not None
    assert [row[0] for row in sheet.iter_rows(values_only=True)][1:] == expected


def test_a_key_is_filtered_by(keyed: tuple[Client, list[str]]) -> None:
    client, expected = keyed
    if client.options(PATH).json["filters"][1:]:
        quoted = [it.replace("%", "%25") for it in expected]
        assert keys(client, f"{PATH}?id={quoted[3]}") == [expected[3]]
        assert keys(client, f"{PATH}?id__in={quoted[3]},{quoted[1]}") == [expected[1], expected[3]]
        assert keys(client, f"{PATH}?id__gt={quoted[22]}") == expected[23:]
    else:
        assert client.get(f"{PATH}?id={expected[0]}").status_code == 400
