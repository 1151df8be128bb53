"""Values of rows that the schema refuses."""

import json

import pytest

from omsflask.commands.load import summary

from .conftest import ALI, Shop, counts

#: What a row holds beside what it must, and why it is refused.
REFUSED: tuple[tuple[str, str], ...] = (
    ('{"email": null}', "email: Field may not be null."),
    ('{"email": ""}', "email: Not a valid email address."),
    ('{"email": "x"}', "email: Not a valid email address."),
    ('{"email": 5}', "email: Not a valid email address."),
    ('{"email": ["a@b.example"]}', "email: Not a valid email address."),
    ('{"last_name": ["a"]}', "last_name: Not a valid string."),
    ('{"email": "%s@b.example"}' % ("x" * 250), "email: Longer than maximum length 254."),
    ('{"omnitron_id": null}', "omnitron_id: Field may not be null."),
    ('{"omnitron_id": "x"}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": 1.5}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": true}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": NaN}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": 1e999}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": 2147483648}', "omnitron_id: Must be greater than or equal to -2147483648"),
    ('{"omnitron_id": %s}' % ("9" * 5000), "omnitron_id: Ensure this value is less than"),
    ('{"id": 9223372036854775808}', "id: Ensure this value is less than or equal to 92233720"),
    ('{"id": null}', "id: There is none, nor a --key."),
    ('{"channel": 99}', "channel: There is no channel 99 (--create-channels)."),
    ('{"channel": 9223372036854775808}', "channel: Ensure this value is less than or equal to"),
    ('{"first_name": "a\\u0000b"}', "first_name: Null characters are not allowed."),
    ('{"first_name": "\\ud800"}', "first_name: Enter valid UTF-8 text."),
    ('{"first_name": "%s"}' % ("x" * 256), "first_name: Longer than maximum length 255."),
    ('{"phone_number": 5551112233}', "phone_number: Not a valid string."),
    ('{"created_date": "yesterday"}', "created_date: Not a valid datetime."),
    ('{"created_date": "0000-01-01"}', "created_date: Not a valid datetime."),
    ('{"created_date": "0001-01-01T00:00+14:00"}', "created_date: Not a valid datetime."),
    ('{"modified_date": "10000-01-01"}', "modified_date: Not a valid datetime."),
    ('{"modified_date": 5}', "modified_date: Not a valid datetime."),
    ('{"emial": 1}', "emial: Unknown field."),
    ('{"\\u001b[31m": 1}', "\\x1b[31m: Unknown field."),
    ('{"email": "x", "omnitron_id": "y"}', "email: Not a valid email address."),
)


@pytest.mark.parametrize(("ending", "row_of"), [("jsonl", "line"), ("json", "row")])
def test_a_wrong_value_is_refused_by_its_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, ending: str, row_of: str
) -> None:
    monkeypatch.setattr(summary, "NAMED", len(REFUSED))
    rows = [_with(given) for given, _ in REFUSED]
    rows = [json.dumps(ALI | {"id": 1}), *rows, json.dumps(ALI | {"id": 2})]
    content = "\n".join(rows) if ending == "jsonl" else f"[{','.join(rows)}]"
    result = shop.load(f"a.{ending}", content)
    assert result.exit_code == 1
    said = result.stderr.splitlines()
    for number, (line, (_, reason)) in enumerate(zip(said, REFUSED, strict=False), 2):
        place = f"{shop.folder}/a.{ending}, {row_of} {number}: "
        assert line.startswith(place)
        assert reason in line
    assert counts(result) == f"2 added, 0 changed, 0 unchanged, {len(REFUSED)} refused"
    assert [row["id"] for row in shop.customers()] == [1, 2]


def _with(values: str) -> str:
    """Return a row with these values, as JSON."""
    others = (ALI | {"id": -1}).items()
    members = [f'"{name}": {json.dumps(it)}' for name, it in others if f'"{name}"' not in values]
    return f"{{{', '.join([*members, values[1:-1]])}}}"
