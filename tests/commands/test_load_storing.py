"""Customers that are added, changed or left."""

from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import dispose
from sqlalchemy import select

from omsflask.standalone.app import Channel, Customer, db

from .conftest import ALI, WRITTEN, Shop, counts, table


@pytest.mark.parametrize("ending", WRITTEN)
def test_customers_are_added_changed_or_left(shop: Shop, ending: str) -> None:
    rows = [{"id": it, **ALI, "first_name": f"Ali {it}", "channel": 1} for it in (1, 2, 3)]
    added = shop.load(f"a{ending}", rows)
    assert added.stderr == table(added=3)
    assert added.exit_code == 0
    assert [row["first_name"] for row in shop.customers()] == ["Ali 1", "Ali 2", "Ali 3"]
    rows[1]["first_name"] = "İşçi"
    again = shop.load(f"b{ending}", rows)
    assert again.stderr == table(changed="1 changed: first_name 1", unchanged=2)
    assert shop.customers()[1]["first_name"] == "İşçi"


@pytest.mark.parametrize(
    ("key", "value"), [("email", "b@c.example"), ("omnitron_id", 77), ("erp_code", "C1")]
)
def test_customers_are_found_by_a_key(shop: Shop, key: str, value: Any) -> None:
    shop.add({"id": 7, "first_name": "Ali", key: value}, {"id": 8}, {"id": 9})
    row = ALI | {"first_name": "Veli", key: value}
    for said in ("0 added, 1 changed, 0 unchanged", "0 added, 0 changed, 1 unchanged"):
        assert said in counts(shop.load("a.csv", [row], "--key", key))
    assert [it["first_name"] for it in shop.customers()] == ["Veli", None, None]
    new = row | {key: {"email": "c@d.example", "omnitron_id": 78, "erp_code": "C2"}[key]}
    for said in ("1 added, 0 changed, 0 unchanged", "0 added, 0 changed, 1 unchanged"):
        assert said in counts(shop.load("a.csv", [new], "--key", key))


def test_a_key_that_several_customers_have_is_refused(shop: Shop) -> None:
    shop.add({"id": 7}, {"id": 8})
    result = shop.load("a.jsonl", [ALI, {"erp_code": "C1", **ALI}], "--key", "email")
    assert (
        "a.jsonl, line 1: email: 2 customers have it (7, 8); give the id of one." in result.stderr
    )
    assert "a.jsonl, line 2: email: The same as in" in result.stderr
    assert "2 refused" in result.stderr
    result = shop.load("b.jsonl", [ALI], "--key", "erp_code")
    assert "b.jsonl, line 1: erp_code: There is none, and no id." in result.stderr


def test_a_customer_comes_once_in_all_files(shop: Shop) -> None:
    files = [shop.file(name, [ALI | {"id": 1}]) for name in ("a.jsonl", "b.json")]
    result = shop("load", *files)
    assert f"{files[1]}, row 1: id: The same as in {files[0]}, line 1." in result.stderr
    assert counts(result) == "1 added, 0 changed, 0 unchanged, 1 refused"


def test_what_a_file_does_not_name_stays(shop: Shop) -> None:
    shop.add({"id": 1, "first_name": "Ali", "erp_code": "C1", "channel_id": 1})
    shop.load("a.csv", [ALI | {"id": 1, "first_name": None}])
    [row] = shop.customers()
    assert (row["first_name"], row["erp_code"], row["channel_id"]) == (None, "C1", 1)


def test_dates_are_kept_when_given_and_stamped_when_a_row_changes(shop: Shop) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    begun = datetime.now(UTC).replace(microsecond=0)
    shop.add(*({"id": it, "created_date": old, "modified_date": old} for it in (1, 2)))
    given = {"id": 3, "created_date": "2021-01-01T03:00:00.000001+03:00", "modified_date": ""}
    rows = [{"id": 1}, {"id": 2, "first_name": "Ali"}, given, {"id": 4, "modified_date": None}]
    shop.load("a.jsonl", [ALI | row for row in rows if row != given])
    shop.load("a.csv", [ALI | given])
    same, changed, dated, new = shop.customers()
    assert (same["created_date"], same["modified_date"]) == (old, old)
    assert changed["created_date"] == old
    assert changed["modified_date"] >= begun
    assert dated["created_date"] == datetime(2021, 1, 1, 0, 0, 0, 1, UTC)
    assert dated["modified_date"] >= begun
    assert min(new["created_date"], new["modified_date"]) >= begun
    for name in ("Ali", "Veli"):
        row = ALI | {"id": 2, "first_name": name, "modified_date": "2022-01-01"}
        assert "1 changed" in shop.load("b.jsonl", [row]).stderr
        assert shop.customers()[1]["modified_date"] == datetime(2022, 1, 1, tzinfo=UTC)


def test_the_last_moment_is_read_in_any_zone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    shop.add({"id": 1, "created_date": last, "modified_date": last})
    dispose(shop.app)
    with monkeypatch.context() as patch:
        patch.setenv("PGTZ", "Asia/Tokyo")
        for option in ("--dry-run", "--all-or-nothing"):
            assert "1 unchanged" in shop.load("a.jsonl", [ALI | {"id": 1}], option).stderr
        dispose(shop.app)


def test_channels_are_created_when_asked_for(shop: Shop) -> None:
    rows = [ALI | {"id": it, "channel": channel} for it, channel in ((1, 1), (2, 7), (3, 8))]
    refused = shop.load("a.jsonl", rows)
    assert "a.jsonl, line 2: channel: There is no channel 7 (--create-channels)" in refused.stderr
    assert counts(refused) == "1 added, 0 changed, 0 unchanged, 2 refused"
    assert "2 added" in shop.load("a.jsonl", rows, "--create-channels").stderr
    assert [row["channel_id"] for row in shop.customers()] == [1, 7, 8]
    with shop.app.app_context(), db.engine.connect() as connection:
        names = connection.execute(select(Channel.name).where(Channel.id > 4)).scalars().all()
        assert sorted(names) == ["Channel 7", "Channel 8"]


def test_keys_that_the_database_gives_come_after_those_that_were_given(shop: Shop) -> None:
    shop.load(
        "a.jsonl", [ALI | {"id": it, "channel": 90} for it in (500, 300)], "--create-channels"
    )
    with shop.app.app_context():
        customer, channel = Customer(**ALI), Channel(name="x")
        db.session.add_all([customer, channel])
        db.session.commit()
        assert (customer.id, channel.id) == (501, 91)
        db.session.delete(customer)
        db.session.commit()
        db.session.remove()
    shop.load("b.jsonl", [ALI | {"id": 400}])
    shop.load("b.jsonl", [ALI | {"email": "n@e.example"}], "--key", "email")
    assert [row["id"] for row in shop.customers()] == [300, 400, 500, 502]


@pytest.mark.parametrize("ending", WRITTEN)
def test_an_empty_cell_erases_unless_stored_values_are_kept(shop: Shop, ending: str) -> None:
    stored = {"first_name": "Ali", "phone_number": "5", "channel_id": 1}
    shop.add(*({"id": it, **stored} for it in (1, 2)))
    rows = [
        ALI | {"id": 1, "first_name": None, "phone_number": "6", "channel": None},
        ALI | {"id": 2, "first_name": "Veli", "phone_number": "", "channel": 2},
        ALI | {"id": 3, "first_name": None, "phone_number": "7", "channel": None},
    ]
    for _ in range(2):
        assert shop.load(f"a{ending}", rows, "--keep-empty").exit_code == 0
        one, two, new = shop.customers()
        assert (one["first_name"], one["phone_number"], one["channel_id"]) == ("Ali", "6", 1)
        assert (two["first_name"], two["phone_number"], two["channel_id"]) == ("Veli", "5", 2)
        assert (new["first_name"], new["phone_number"], new["channel_id"]) == (None, "7", None)
    assert shop.load(f"a{ending}", rows).exit_code == 0
    one, two, _ = shop.customers()
    assert (one["first_name"], one["channel_id"]) == (None, None)
    assert two["phone_number"] in (None, "")


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl", ".xlsx"])
def test_what_every_customer_needs_is_not_left_empty(shop: Shop, ending: str) -> None:
    shop.add({"id": 1})
    result = shop.load(f"a{ending}", [ALI | {"id": 1, "email": None}], "--keep-empty")
    assert "email: Missing data for required field." in result.stderr
    result = shop.load(f"a{ending}", [ALI | {"id": None}], "--keep-empty")
    assert "id: There is none, nor a --key." in result.stderr
