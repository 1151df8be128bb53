"""What the service gives, loaded again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import make_client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omsflask.renderers.csv import guarded, unguarded
from omsflask.standalone.sample_data import plausible, published

from .conftest import ALI, Shop

TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).filter(
        bool
    ),
    st.sampled_from(
        ["=1+1", "'=1+1", "''@x", "'", "+905551112233", "+1+1", "-", "'-5", "a,b", 'a"b', " x ",
         "\r", "a\r\nb", "\n", "\t", "_x0041_", "_x005F_x0041_", "\x01", "\ufffe", "null", "NaN",
         "#N/A", "0123", "1e5", "TRUE", "2026-01-31", "😀" * 40, "İıŞş", "\ufeff", "\x1a", "\x85"]
    ),
)  # fmt: skip
#: To fifths of a millisecond: how one is rounded that lies between two is Excel's affair.
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda it: it.replace(microsecond=it.microsecond // 200 * 200)
)
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(1, 2**53),
            "created_date": MOMENTS,
            "modified_date": MOMENTS,
            "omnitron_id": st.integers(-(2**31), 2**31 - 1),
            "email": st.sampled_from(
                ["a@b.example", "x+y@z.example", "'a'@b.example", "=1@b.example"]
            ),
            **dict.fromkeys(("first_name", "last_name", "phone_number"), TEXTS),
            "erp_code": TEXTS,
            "channel_id": st.sampled_from([None, 1, 4]),
        }
    ),
    max_size=20,
    unique_by=lambda row: row["id"],
)


@pytest.mark.parametrize("format_", ["json", "csv", "xlsx"])
def test_what_the_service_gives_it_takes(shop: Shop, format_: str) -> None:
    client = make_client(shop.app)

    @settings(
        max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(CUSTOMERS)
    def holds(rows: list[dict[str, Any]]) -> None:
        shop.empty()
        if rows:
            shop.add(*rows)
        before = shop.customers()
        query = "limit=1000&format=json" if format_ == "json" else f"format={format_}"
        content = client.page(query).data
        shop.empty()
        result = shop.load(f"a.{format_}", content)
        assert result.exit_code == 0, result.stderr
        after = shop.customers()
        if format_ == "xlsx":
            before, after = [*map(_in_milliseconds, before)], [*map(_in_milliseconds, after)]
        assert after == before
        shop.empty()

    holds()


def _in_milliseconds(row: dict[str, Any]) -> dict[str, Any]:
    """Return a customer with what a sheet keeps of its moments."""
    return row | {
        name: round((row[name] - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
        for name in ("created_date", "modified_date")
    }


@given(st.text(st.sampled_from("'=+-@1 \t\r\nx"), max_size=6))
def test_every_guard_can_be_undone(text: str) -> None:
    [cell] = guarded([text])
    assert unguarded(cell) == text
    assert cell[:1] not in set("=@\t\r\n")


def test_files_without_a_guard_are_read_without_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.app.config, "OMS_CSV_GUARD", False)
    rows = [ALI | {"id": 1, "first_name": "'=1", "last_name": "=1"}]
    shop.add(*rows)
    before = shop.customers()
    file = shop.folder / "a.csv"
    shop("export", file)
    shop.empty()
    shop("load", file)
    assert shop.customers() == before


def test_the_demo_can_be_moved(shop: Shop) -> None:
    shop.add(*published(), *plausible(99, first_id=11))
    before = shop.customers()
    for ending in (".csv", ".xlsx"):
        file = shop.folder / f"a{ending}"
        assert shop("export", file).exit_code == 0
        shop.empty()
        assert "109 added" in shop("load", file).stderr
        assert "109 unchanged" in shop("load", file).stderr
    assert [it["email"] for it in shop.customers()] == [it["email"] for it in before]
