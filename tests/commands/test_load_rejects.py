"""Refused rows, given back."""

import pytest

from .conftest import ALI, Shop, as_csv, counts, table


@pytest.mark.parametrize(
    ("ending", "given_back"),
    [(".csv", ".csv"), (".json", ".jsonl"), (".jsonl", ".jsonl"), (".xlsx", ".csv")],
)
def test_refused_rows_can_be_mended_and_loaded(shop: Shop, ending: str, given_back: str) -> None:
    rows = [
        ALI | {"id": 1, "first_name": "=1+1"},
        ALI | {"id": 2, "first_name": "=1+1", "email": "MEND ME"},
        ALI | {"id": 3, "first_name": "Şeyma", "email": "MEND ME"},
    ]
    rejects = shop.folder / f"r{given_back}"
    result = shop.load(f"a{ending}", rows, "--rejects", rejects)
    assert result.exit_code == 1
    assert counts(result) == "1 added, 0 changed, 0 unchanged, 2 refused"
    text = rejects.read_text()
    assert text.count("email: Not a valid email address.") == 2
    assert f"a{ending}, " in text
    assert ("'=1+1" in text) == (given_back == ".csv")
    rejects.write_text(text.replace("MEND ME", "veli@example.com"))
    mended = shop("load", rejects, "--rejects", shop.folder / f"s{given_back}")
    assert mended.stderr == table(added=2)
    assert [row["email"] for row in shop.customers()] == [
        "ali@example.com",
        *["veli@example.com"] * 2,
    ]
    # Without a guard of its own, a foreign file's text is taken as it is.
    assert [row["first_name"] for row in shop.customers()] == ["=1+1", "=1+1", "Şeyma"]


def test_rejects_go_to_a_file_of_their_own(shop: Shop) -> None:
    rows = shop.file("a.csv", [ALI | {"id": 1}])
    other = shop.file("b.csv", [ALI | {"id": 2, "erp_code": 1}])
    for arguments, message in (
        ([rows, "--rejects", rows], "a.csv is a file to load."),
        ([rows, "--rejects", "r.jsonl"], "Refused rows of these files are .csv, not r.jsonl."),
        ([rows, other, "--rejects", "r.csv"], "The files have not one header"),
        ([rows, "--rejects", "no/where/r.csv"], "no/where/r.csv could not be written: No such"),
    ):
        result = shop("load", *arguments)
        assert result.exit_code != 0
        assert message in result.stderr
        assert shop.customers() == []
    assert rows.read_bytes() == as_csv([ALI | {"id": 1}])
