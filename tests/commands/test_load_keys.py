"""Customers that are found by a key, and rows that are the same customer."""

from typing import Any

import pytest

from .conftest import ALI, Shop, counts

#: What is stored, what a row's e-mail address is, and whose it is: a customer's, a new one's, or
#: what is said.
FOUND: tuple[tuple[dict[int, str], str, int | str | None], ...] = (
    ({901: "a@example.org"}, "A@Example.org", 901),
    ({901: "A@Example.org"}, "a@example.org", 901),
    ({901: "ÖZGE@example.org", 902: "x@example.org"}, "özge@example.org", 901),
    ({901: "mike@example.org"}, "mıke@example.org", None),
    ({901: "mıke@example.org"}, "mike@example.org", None),
    ({901: "mike@example.org", 902: "mıke@example.org"}, "mıke@example.org", 902),
    (
        {901: "mike@example.org", 902: "MIKE@example.org"},
        "mike@example.org",
        "2 customers have it (901",
    ),
    (
        {901: "a@b.example", 902: "a@b.example"},
        "A@b.example",
        "2 customers have it (901, 902); give the",
    ),
    (
        {901: "mıke@example.org"},
        "MIKE@example.org",
        "It may be that of customer 901, mıke@example.org",
    ),
    ({901: "mike@example.org", 902: "mıke@example.org"}, "MIKE@example.org", "It may be that of"),
    ({901: "ipek@example.org"}, "İPEK@example.org", "It may be that of customer 901, ipek@"),
    (
        {901: "i\u0307pek@example.org"},
        "ipek@example.org",
        "It may be that of customer 901, i\u0307",
    ),
    ({901: "İpek@example.org"}, "ipek@example.org", "It may be that of customer 901, İpek@"),
    ({901: "straße@example.org"}, "strasse@example.org", None),
)


@pytest.mark.parametrize(("stored", "email", "whose"), FOUND)
def test_an_address_is_found_in_any_case(
    shop: Shop, stored: dict[int, str], email: str, whose: int | str | None
) -> None:
    shop.add(*({"id": id_, "email": it} for id_, it in stored.items()))
    row = {"omnitron_id": 7, "email": email}
    result = shop.load("a.jsonl", [row], "--key", "email")
    after = {it["id"]: (it["email"], it["omnitron_id"]) for it in shop.customers()}
    others = {id_: (it, ALI["omnitron_id"]) for id_, it in stored.items() if id_ != whose}
    if isinstance(whose, str):
        assert f"a.jsonl, line 1: email: {whose}" in result.stderr
        assert result.exit_code == 1
        assert after == others
        return
    assert result.exit_code == 0, result.stderr
    [changed] = after.keys() - others.keys()
    assert after == others | {changed: (email, 7)}
    assert whose in (None, changed)
    assert "1 unchanged" in counts(shop.load("a.jsonl", [row], "--key", "email"))


#: Rows of a file, and what is said of which: with ``--key email``.
TWICE: tuple[tuple[list[dict[str, Any]], dict[int, str]], ...] = (
    ([{}, {"email": "ALI@example.com"}], {2: "The same as in {}, line 1, but for the letters'"}),
    ([{"email": "mike@b.example"}, {"email": "mıke@b.example"}], {}),
    (
        [{"email": f"{it}@b.example"} for it in ("mike", "mıke", "MIKE")],
        {3: "The same as in {}, line 1, but for the letters' case."},
    ),
    ([{"email": "mıke@b.example"}, {"email": "MIKE@b.example"}], {2: "The same as in {}, line 1"}),
    ([{"id": 1}, {"id": 2}], {}),
    ([{"id": 1}, {}], {2: "The same as in {}, line 1."}),
    ([{}, {"id": 1}], {2: "The same as in {}, line 1, which has no id."}),
    ([{}, {"id": 1, "email": "x@b.example"}, {}], {3: "The same as in {}, line 1."}),
    ([{"id": 1, "email": "x@b.example"}, {"id": 2, "email": "X@b.example"}, {}], {}),
)


@pytest.mark.parametrize("batch_rows", [1, 5000])
@pytest.mark.parametrize(("rows", "said"), TWICE)
def test_a_customer_comes_once(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]],
    said: dict[int, str],
    batch_rows: int,
) -> None:
    monkeypatch.setattr("omsflask.commands.load.runs.BATCH_ROWS", batch_rows)
    result = shop.load("a.jsonl", [ALI | row for row in rows], "--key", "email")
    file = f"{shop.folder}/a.jsonl"
    refused = [it for it in result.stderr.splitlines() if it.startswith(file)]
    assert len(refused) == len(said)
    for (number, sentence), line in zip(said.items(), refused, strict=True):
        assert line.startswith(f"{file}, line {number}: email: {sentence.format(file)}")
    assert len(shop.customers()) == len(rows) - len(said)
    again = shop.load("b.jsonl", [ALI | row for row in rows], "--key", "email")
    assert counts(again) == (
        f"0 added, 0 changed, {len(rows) - len(said)} unchanged, {len(said)} refused"
    )


def test_a_customer_that_is_found_is_not_also_one_of_an_id(shop: Shop) -> None:
    shop.add({"id": 5})
    rows = [{"id": 5, "email": "new@b.example"}, {"first_name": "Ali"}]
    for given in (rows, rows[::-1]):
        result = shop.load("a.jsonl", [ALI | row for row in given], "--key", "email")
        assert ": The same as in " in result.stderr
        assert "1 refused" in counts(result)
        shop.empty()
        shop.add({"id": 5})
