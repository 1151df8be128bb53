"""Files with damage in any place: read, or a sentence, and nothing else."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omsflask import customers
from omsflask.commands.load import checking, sources
from omsflask.commands.load.rows import Unreadable

from .workbooks import HEADER, rows, sheet, workbook

SERVICE = customers.list_simple

CSV = (
    "id;omnitron_id;email;first_name\r\n"
    + "".join(f'{it};{it};"n{it}@b.example";"Şey""ma"\r\n' for it in range(30))
).encode()
LINES = b"".join(
    b'{"id": %d, "omnitron_id": 1, "email": "a@b.example", "first_name": "\xc5\x9e"}\n' % it
    for it in range(30)
)
BODY = b'{"count": 3, "next": null, "results": [%s], "a": [1]} {"results": []}' % (
    LINES.replace(b"}\n", b"},").rstrip(b",")
)
BOOK = workbook(
    {
        "S": sheet(
            rows(HEADER, *((it, it, "a@b.example", '<c t="s"><v>0</v></c>', 5) for it in range(9))),
            behind="<mergeCells><mergeCell ref='D3:D4'/></mergeCells>",
        ),
        "T": sheet(rows(HEADER)),
    },
    formats=["00000", "yyyy-mm-dd"],
    shared="<si><t>Ali</t></si>",
)

#: What damage brings in.
PIECES = [
    b'"', b"\n", b"\r", b";", b",", b"\xff\xfe", b"\0", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]",
    b"<", b">", b"/", b"&", b"-1", b"9" * 20, b"\xff", b"NaN", b"\\ud800", b":", b"1e999", b"<f/>",
    b"mergeCell", b't="e"', b"]]>", b"<!--", b'r="A1"', b's="9"', b"E+11",
]  # fmt: skip


def damaged(content: bytes, random: Random) -> bytes:
    """Return ``content`` with a few bytes put in, taken out, changed or repeated."""
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(content) + 1)
        before, behind = content[:place], content[place:]
        other = random.randrange(len(content) + 1)
        content = random.choice(
            [
                before + random.choice(PIECES) + behind,
                before + behind[random.randint(1, 20) :],
                before + random.randbytes(1) + behind[1:],
                before + content[other : other + random.randint(1, 60)] + behind,
            ]
        )
    return content or b"x"


def with_damaged_part(book: bytes, random: Random) -> bytes:
    """Return a workbook that is whole as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(buffer, "w") as new:
        part = random.choice(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damaged(content, random) if name == part else content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "damage"),
    [
        ("a.csv", CSV, damaged),
        ("b.csv", CSV.decode().encode("utf-16"), damaged),
        ("a.json", BODY, damaged),
        ("a.jsonl", LINES, damaged),
        ("a.xlsx", BOOK, damaged),
        ("b.xlsx", BOOK, with_damaged_part),
    ],
)
def test_damage_is_a_sentence(
    tmp_path: Path, name: str, content: bytes, damage: Callable[[bytes, Random], bytes]
) -> None:
    file = tmp_path / name
    checker = checking.Checker(SERVICE, "email")

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.randoms(use_true_random=False), st.sampled_from(["utf-8", "windows-1254", "idna"]))
    def holds(random: Random, encoding: str) -> None:
        file.write_bytes(damage(content, random))
        options = sources.Options(None, encoding, True, tuple(SERVICE.fields))
        with suppress(Unreadable), sources.opened(file, options) as source:
            for row in source.contents.rows:
                checker.check(row)
                assert str(row.raw)

    holds()
