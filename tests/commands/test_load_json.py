"""JSON as services and scripts write it."""

import json

from .conftest import ALI, Shop

NO_ROWS = (
    ("5", "It is no JSON object."),
    ("[]", "It is no JSON object."),
    ('{"id": 2', "It is no JSON: Expecting ',' delimiter"),
    ("[" * 99_999, "It is no JSON: maximum recursion depth exceeded"),
)


def test_a_line_that_is_no_row_is_refused(shop: Shop) -> None:
    lines = [line for line, _ in NO_ROWS]
    content = "\n\n".join([*lines, json.dumps(ALI | {"id": 1})])
    shop.load("a.jsonl", content, "--rejects", shop.folder / "r.jsonl")
    assert len(shop.customers()) == 1
    rejects = [json.loads(it) for it in (shop.folder / "r.jsonl").read_text().splitlines()]
    assert [str(it["row"]) for it in rejects] == lines
    for number, (reject, (_, reason)) in enumerate(zip(rejects, NO_ROWS, strict=True)):
        assert reject["place"] == f"{shop.folder}/a.jsonl, line {2 * number + 1}"
        assert reject["reason"].startswith(reason)
