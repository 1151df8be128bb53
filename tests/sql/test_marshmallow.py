"""What is shown by SQL, without an entity, against marshmallow's own dump of the entities."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from conftest import Client, dispose, make_app, make_client
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from omsflask.customers import CustomerSchema
from omsflask.standalone.app import Customer, db

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS, max_size=20) | st.sampled_from(
    [
        "",
        " ",
        "null",
        "=1+1",
        "İıŞşĞğ",
        '"',
        "\\",
        "\\u0041",
        "\u2028",
        "\x7f",
        "😀",
        "\ufffe",
        "\r\n",
    ]
)
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
ROWS = st.fixed_dictionaries(
    {
        "created_date": MOMENTS,
        "modified_date": MOMENTS,
        "omnitron_id": st.integers(-(2**31), 2**31 - 1),
        "email": TEXTS,
        "first_name": st.none() | TEXTS,
        "last_name": st.none() | TEXTS,
        "phone_number": st.none() | TEXTS,
        "erp_code": st.none() | TEXTS,
        "channel_id": st.none() | st.integers(1, 4),
    }
)
KEYS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def scratch(new_database: Callable[[], str]) -> Iterator[Client]:
    app = make_app(new_database(), [], OMS_TOKEN_MEMORY_SECONDS=600)
    yield make_client(app)
    dispose(app)


def by_marshmallow() -> Any:
    """Return the customers as marshmallow dumps their entities."""
    with Session(db.engine) as session:
        entities = session.scalars(select(Customer).order_by(Customer.id)).all()
        for entity in entities:
            for name in ("created_date", "modified_date"):
                moment = getattr(entity, name)
                setattr(entity, name, moment.replace(tzinfo=moment.tzinfo or UTC))
        dumped = CustomerSchema(many=True).dump(entities)
        session.rollback()
    return dumped


@given(rows=st.dictionaries(KEYS, ROWS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_a_page_is_what_marshmallow_dumps(scratch: Client, rows: dict[int, dict[str, Any]]) -> None:
    with scratch.application.app_context():
        with db.engine.begin() as connection:
            connection.execute(delete(Customer))
            connection.execute(insert(Customer), [{"id": key, **row} for key, row in rows.items()])
        dumped = by_marshmallow()
    body = scratch.page("limit=1000").data
    assert orjson.loads(body)["results"] == dumped
    assert body.endswith(orjson.dumps(dumped) + b"}")
    walk = scratch.page("cursor=&limit=1000").json
    assert walk is not None
    assert walk["results"] == dumped
