"""The names of a list: those that a path, a file and a sheet may all have, and no others."""

import io
from collections.abc import Iterator

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields
from openpyxl import load_workbook
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool
from werkzeug.http import parse_options_header

from omsflask import OMS, Filter, FilterSet, ListService


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "rows"

    id: Mapped[int] = mapped_column(primary_key=True)


NAMES = [
    "müşteri", "客户", "order_lines", "v2", "History", "x" * 60, "x" * 30, "𝒜" * 20,
    "हिन्दी", "Ωμέγα", "ı", "v1.b",
]  # fmt: skip

REFUSED = [
    "", "a/b", "x[1]", "'q'", "a b", "a.", ".a", "a..b", ".", "..", "a:b", "a*",
    "a?b", "a\\b", "<id>", "a%b",
    "a\n", "-a", "_a", "a;b", 'a"b', "\ud800", "a\0", "a#b", "a&b", "a+b", "a,b", "😀",
]  # fmt: skip


def service(resource: str, name: str = "all") -> ListService:
    schema = Schema.from_dict({"id": fields.Integer()})
    filters = type("Filters", (FilterSet,), {"id__gt": Filter(fields.Integer)})
    return ListService(resource=resource, name=name, schema=schema, filters=filters)


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_not_all_can_have_is_refused(name: str) -> None:
    for names in ((name, "all"), ("all", name)):
        with pytest.raises(TypeError, match="is no name for a list: a name is a part of a path"):
            service(*names)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Row), [{"id": number} for number in range(1, 6)])
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    for name in NAMES:
        oms.add(service(name, name).bind(Row))
    oms.init_app(app, url_prefix="/lists")
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    yield client
    engine.dispose()


@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_any_other_name(client: Client, name: str) -> None:
    path = f"/lists/{name}/{name}/"
    assert client.options(path).json["name"] == name
    body = client.get(f"{path}?limit=2").json
    assert [row["id"] for row in client.get(body["next"]).json["results"]] == [3, 4]
    assert body["next"].isascii()
    for ending, shown in (("csv", "csv"), ("xlsx", "xlsx")):
        for query in (f"format={ending}", f"format={ending}&limit=2"):
            response = client.get(f"{path}?{query}")
            assert response.status_code == 200
            header = response.headers["Content-Disposition"]
            assert header.isascii()
            filename = parse_options_header(header)[1]["filename"]
            assert filename.startswith(f"{name}-{name}-20")
            assert filename.endswith(f".{shown}")


@pytest.mark.parametrize("name", NAMES)
def test_a_sheet_has_as_much_of_the_name_as_excel_takes(client: Client, name: str) -> None:
    book = load_workbook(io.BytesIO(client.get(f"/lists/{name}/{name}/?format=xlsx").data))
    [title] = book.sheetnames
    assert len(title.encode("utf-16-le")) <= 62
    assert title.casefold() != "history"
    assert name.startswith(title.removesuffix(" 1"))


def test_a_name_of_ascii_is_written_as_it_is(client: Client) -> None:
    header = client.get("/lists/v2/v2/?format=csv").headers["Content-Disposition"]
    assert header.startswith('attachment; filename="v2-v2-20')
    header = client.get("/lists/müşteri/müşteri/?format=csv").headers["Content-Disposition"]
    assert header.startswith('attachment; filename="musteri-musteri-20')
    assert "filename*=UTF-8''m%C3%BC%C5%9Fteri-m%C3%BC%C5%9Fteri-20" in header


def test_a_filter_may_have_a_name_of_the_sets_own() -> None:
    class Odd(FilterSet):
        filters = Filter(fields.Integer)
        parameters = Filter(fields.Integer)
        ordering = Filter(fields.Integer)

    assert set(Odd.parameters) == {"filters", "parameters", "ordering"}
