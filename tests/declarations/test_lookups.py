"""The lookups on both engines: icontains above all, and one of a host's own."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from conftest import Client
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields, validate
from sqlalchemy import Enum, String, Uuid, create_engine, insert, type_coerce
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from omsflask import OMS, Filter, FilterSet, ListService
from omsflask.declarations.lookups import ESCAPE, LOOKUPS, LOWER, TEXT, Lookup, ascii_lower, pattern

starts_with = Lookup(
    name="istartswith",
    compare=lambda column, start: ascii_lower(column).like(start, escape=ESCAPE),
    prepare=lambda start: f"{pattern(start.translate(LOWER))}%",
    types=TEXT,
)


class Base(DeclarativeBase):
    pass


class Word(Base):
    __tablename__ = "words"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]


class WordSchema(Schema):
    id = fields.Integer()
    text = fields.String()


class WordFilters(FilterSet):
    text = Filter(fields.String, lookups=("exact", "icontains", starts_with))


words = ListService(resource="words", name="all", schema=WordSchema, filters=WordFilters)

WORDS = [
    "Ada", "ADA", "ada 10%", "a_a", "a/a", "a\\a", "50% off", "ŞEKER", "şeker", "Isparta",
    "ısparta", "İzmir", "izmir", "IZMIR", "", "''", '"', "[a]", "a*", "?", "😀A", "tab\tA", "%",
    "_", "/", "\\", None,
]  # fmt: skip


@pytest.fixture(scope="module")
def client(new_database: Callable[[], str]) -> Iterator[Client]:
    engine = create_engine(new_database())
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        rows = [{"id": number, "text": text} for number, text in enumerate(WORDS)]
        connection.execute(insert(Word), rows)
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    oms.add(words.bind(Word))
    oms.init_app(app, url_prefix="/")
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    yield client
    engine.dispose()


def found(client: Client, parameter: str, text: str) -> list[str]:
    response = client.get(f"/words/all/?{parameter}={quote_plus(text)}&limit=1000")
    assert response.status_code == 200, response.text
    return [row["text"] for row in response.json["results"]]


def in_small_letters(text: str) -> str:
    return "".join(it.lower() if it.isascii() else it for it in text)


@pytest.mark.parametrize("part", [it for it in WORDS if it] + ["d", "A%", "%%", "a_", "//", "zm"])
def test_icontains_finds_a_part_whatever_its_small_and_capital_letters(
    client: Client, part: str
) -> None:
    wanted = [it for it in WORDS if it and in_small_letters(part) in in_small_letters(it)]
    assert found(client, "text__icontains", part) == wanted


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(part=st.text(st.sampled_from("aAdD10%_/\\'şŞıİiI "), min_size=1, max_size=5))
def test_icontains_finds_any_part(client: Client, part: str) -> None:
    wanted = [it for it in WORDS if it and in_small_letters(part) in in_small_letters(it)]
    assert found(client, "text__icontains", part) == wanted


def test_the_letters_of_turkish_are_each_themselves(client: Client) -> None:
    assert found(client, "text__icontains", "şeker") == ["şeker"]
    assert found(client, "text__icontains", "izmir") == ["izmir", "IZMIR"]
    assert found(client, "text__icontains", "İzmir") == ["İzmir"]
    assert found(client, "text__icontains", "ısparta") == ["ısparta"]
    assert found(client, "text__icontains", "isparta") == ["Isparta"]


def test_a_part_is_of_a_thousand_characters_at_most(client: Client) -> None:
    assert found(client, "text__icontains", "%" * 1000) == []
    response = client.get(f"/words/all/?text__icontains={'a' * 1001}")
    message = "Ensure this value has at most 1000 characters."
    assert response.json == {"text__icontains": [message]}


def test_a_host_brings_a_lookup_of_its_own(client: Client) -> None:
    assert found(client, "text__istartswith", "A") == [*WORDS[:6], "a*"]
    assert found(client, "text__istartswith", "A_") == ["a_a"]
    [declared] = client.options("/words/all/").json["filters"]
    assert declared["lookup_expr"] == ["exact", "icontains", "istartswith"]
    assert "istartswith" not in LOOKUPS


@pytest.mark.parametrize(
    ("field", "sql_type"),
    [
        (fields.Integer(), String()),
        (fields.UUID(), String()),
        (fields.UUID(), Uuid()),
        (fields.String(validate=validate.OneOf(["a"])), Enum("a", "b")),
    ],
)
def test_icontains_is_of_text(field: Any, sql_type: Any) -> None:
    service = ListService(
        resource="words",
        name="all",
        schema=WordSchema,
        filters=type("Filters", (FilterSet,), {"it__icontains": Filter(field)}),
    )
    with pytest.raises(TypeError, match="the lookup icontains compares email and string and url"):
        service.bind(Word, it=type_coerce(Word.text, sql_type))


def test_only_some_lookups_narrow_from_below() -> None:
    assert {it.name for it in LOOKUPS.values() if it.narrows_from_below} == {"gt", "gte", "range"}
