"""What is said of a load, to people and to scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import ALI, Shop

OLD = "2020-01-01T00:00:00.000000Z"

ROWS = [
    {"id": 1},
    {"id": 2, "first_name": "Veli", "channel": 2},
    {"id": 3, "first_name": 'Ay"şe'},
    {"id": 4},
    {"id": 5, "email": "x"},
    {"id": 6, "last_name": "A\u200bk"},
]


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """A shop with three customers, of whom ROWS change two."""
    shop.add({"id": 1}, {"id": 2, "first_name": "Ali", "channel_id": 1}, {"id": 3})
    return shop


def report(path: Path) -> dict[str, Any]:
    """Return what a load wrote for scripts."""
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def test_a_table_says_what_became_of_the_rows(filled: Shop) -> None:
    result = filled.load("a.jsonl", [ALI | row for row in ROWS])
    assert result.stderr.splitlines()[-5:] == [
        "          2 added",
        "          2 changed: first_name 2, channel 1",
        "          1 unchanged",
        "          1 refused",
        "          1 warned",
    ]


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--all-or-nothing",)])
def test_a_script_is_told_the_same(filled: Shop, options: tuple[str, ...]) -> None:
    path = filled.folder / "report.json"
    result = filled.load("a.jsonl", [ALI | row for row in ROWS], "--report", path, *options)
    file = f"{filled.folder}/a.jsonl"
    told = report(path)
    differences = told.pop("differences")
    assert told == {
        "status": 1,
        "written": not options,
        "error": None,
        "added": 2,
        "changed": 2,
        "unchanged": 1,
        "refused": 1,
        "warned": 1,
        "fields": {"first_name": 2, "channel": 1},
        "refusals": [f"{file}, line 5: email: Not a valid email address."],
        "warnings": [
            f"{file}, line 6: last_name: It holds U+200B ZERO WIDTH SPACE after 'A', which cannot"
            " be seen"
        ],
    }
    assert result.exit_code == told["status"]
    shown = [] if options != ("--dry-run",) else [TWO, THREE]
    assert [it.pop("place") for it in differences] == [f"{file}, line {it}" for it in (2, 3)][
        : len(shown)
    ]
    assert differences == shown


#: What a dry run of ROWS shows; places depend on the folder.
TWO = {"id": 2, "fields": {"first_name": ["Ali", "Veli"], "channel": [1, 2]}}
THREE = {"id": 3, "fields": {"first_name": [None, 'Ay"şe']}}


def test_a_dry_run_shows_the_first_differences(filled: Shop) -> None:
    rows = [*ROWS[:3], {"id": 1, "modified_date": OLD}]
    result = filled.load("a.jsonl", [ALI | row for row in rows[1:]], "--dry-run")
    lines = result.stderr.splitlines()
    shown = lines[: lines.index("Nothing was written. It would be:")]
    stamp = shown.pop(-2)
    assert stamp.startswith('  - modified_date: "20')
    assert shown == [
        f"{filled.folder}/a.jsonl, line 1, customer 2:",
        '  - first_name: "Ali"',
        '  + first_name: "Veli"',
        "  - channel: 1",
        "  + channel: 2",
        f"{filled.folder}/a.jsonl, line 2, customer 3:",
        "  - first_name: null",
        '  + first_name: "Ay\\"şe"',
        f"{filled.folder}/a.jsonl, line 3, customer 1:",
        f'  + modified_date: "{OLD}"',
    ]


def test_ten_differences_are_shown_and_the_others_counted(shop: Shop) -> None:
    rows = [{"id": it, "first_name": "\x1b[31m"} for it in range(1, 15)]
    shop.add(*({"id": row["id"]} for row in rows))
    result = shop.load("a.jsonl", [ALI | row for row in rows], "--dry-run")
    assert result.stderr.count("  - first_name: null\n") == 10
    assert result.stderr.count('  + first_name: "\\u001b[31m"\n') == 10
    assert "and 4 more customers would change.\n" in result.stderr


def test_a_load_that_fails_is_reported(shop: Shop) -> None:
    path = shop.folder / "r.json"
    shop.load("a.csv", b"id,emial\n", "--report", path)
    assert report(path)["status"] == 1
    assert report(path)["error"].startswith(f"{shop.folder}/a.csv has a column 'emial'")
    assert report(path)["written"] is False
    shop.load("a.json", json.dumps([ALI | {"id": 1}])[:-1], "--report", path)
    told = report(path)
    assert (told["status"], told["added"], told["written"]) == (1, 1, True)
    assert "breaks off" in told["error"]


def test_a_report_can_be_standard_output(shop: Shop) -> None:
    result = shop.load("a.jsonl", [ALI | {"id": 1}], "--report", "-")
    assert json.loads(result.stdout)["added"] == 1
    assert "1 added" in result.stderr


def test_a_report_is_a_file_of_its_own(shop: Shop) -> None:
    rows = shop.file("a.json", [ALI | {"id": 1}])
    before = rows.read_bytes()
    (shop.folder / "b.json").symlink_to(rows)
    for arguments, message in (
        (["--report", rows], "a.json is a file to load or for refused rows."),
        (["--report", shop.folder / "b.json"], "b.json is a file to load or for refused rows."),
        (["--report", shop.folder / "r.txt"], "r.txt does not end in .json."),
        (["--report", "no/where/r.json"], "no/where/r.json could not be written: No such"),
    ):
        result = shop("load", rows, *arguments)
        assert result.exit_code != 0
        assert message in result.stderr
    assert rows.read_bytes() == before
    assert shop.customers() == []
