"""Characters that nobody sees."""

import pytest

from omsflask.commands.load.invisible import unexpected, unseen

from .conftest import ALI, Shop

#: A text, what it holds that nobody sees, and whether writing needs that.
TEXTS = (
    ("Ali", "", False),
    ("Şeyma İıŞş 😀", "", False),
    ("n@exam\u200bple.org", "U+200B ZERO WIDTH SPACE after 'n@exam'", False),
    ("\ufeffAli", "U+FEFF ZERO WIDTH NO-BREAK SPACE at its start", False),
    ("\u202a+905551112233\u202c", "U+202A LEFT-TO-RIGHT EMBEDDING at its start", False),
    ("moc\u202eila", "U+202E RIGHT-TO-LEFT OVERRIDE", False),
    ("Ali\u2066Can", "U+2066 LEFT-TO-RIGHT ISOLATE", False),
    ("Ali\u00a0Can", "U+00A0 NO-BREAK SPACE after 'Ali'", False),
    ("A\u00adli", "U+00AD SOFT HYPHEN", False),
    ("Ali\u3164", "U+3164 HANGUL FILLER", False),
    ("Ali\u2800", "U+2800 BRAILLE PATTERN BLANK", False),
    ("Ali\x1b[31m", "U+001B after 'Ali'", False),
    ("Ali\nCan", "U+000A LINE FEED after 'Ali'", False),
    ("A\u200dli", "U+200D ZERO WIDTH JOINER", False),
    ("\u200cعلی", "U+200C ZERO WIDTH NON-JOINER", False),
    ("علی\u200cرضا", "U+200C ZERO WIDTH NON-JOINER", True),
    ("क्\u200dष", "U+200D ZERO WIDTH JOINER", True),
    ("👩\u200d🚀", "U+200D ZERO WIDTH JOINER", True),
    ("❤\ufe0f", "U+FE0F VARIATION SELECTOR-16", True),
    ("\u200fדוד", "U+200F RIGHT-TO-LEFT MARK", True),
    ("Ali\u200f", "U+200F RIGHT-TO-LEFT MARK", False),
    ("Ali \U0001faff", "", False),
)


@pytest.mark.parametrize(("text", "found", "needed"), TEXTS, ids=[ascii(it[0]) for it in TEXTS])
def test_what_cannot_be_seen_is_named(text: str, found: str, needed: bool) -> None:
    assert unseen(text).startswith(f"It holds {found}" if found else "")
    assert bool(unseen(text)) == bool(found)
    assert bool(unexpected(text)) == (bool(found) and not needed)


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl", ".xlsx"])
def test_an_address_must_look_as_it_is(shop: Shop, ending: str) -> None:
    for hidden in ("\u200b", "\u202e", "\u200d", "\u00ad", "\u3164"):
        result = shop.load(f"a{ending}", [ALI | {"id": 1, "email": f"n@exam{hidden}ple.org"}])
        assert f"email: It holds U+{ord(hidden):04X}" in result.stderr
        assert "after 'n@exam', which cannot be seen. Write it anew." in result.stderr
        assert result.exit_code == 1
        assert shop.customers() == []


def test_a_key_must_look_as_it_is(shop: Shop) -> None:
    row = ALI | {"erp_code": "C\u200b1"}
    result = shop.load("a.json", [row], "--key", "erp_code")
    assert "erp_code: It holds U+200B ZERO WIDTH SPACE after 'C'" in result.stderr
    assert shop.customers() == []


def test_other_texts_are_loaded_as_they_are_with_a_warning(shop: Shop) -> None:
    rows = [
        ALI | {"id": 1, "phone_number": "\u202a+905551112233\u202c", "first_name": "A\u200bli"},
        ALI | {"id": 2, "first_name": "علی\u200cرضا"},
    ]
    result = shop.load("a.json", rows)
    assert result.exit_code == 0
    assert (
        "Warning: "
        f"{shop.folder}/a.json, row 1: first_name: It holds U+200B ZERO WIDTH SPACE after 'A',"
        " which cannot be seen. phone_number: It holds U+202A LEFT-TO-RIGHT EMBEDDING"
        " at its start, which cannot be seen.\n" in result.stderr
    )
    assert "row 2" not in result.stderr
    assert [row["first_name"] for row in shop.customers()] == ["A\u200bli", "علی\u200cرضا"]


def test_twenty_warnings_are_shown_and_the_others_counted(shop: Shop) -> None:
    rows = [ALI | {"id": it, "first_name": "A\u200bli"} for it in range(25)]
    result = shop.load("a.json", rows)
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert [line.startswith("Warning: ") for line in lines] == [True] * 20 + [False] * 6
    assert lines[20] == "and 5 more warnings."
