"""Texts that differ in the case of their letters, in any language."""

import itertools
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import Column, MetaData, String, Table, create_engine, insert, select

from omsflask.commands.letter_case import candidates, fold, may_be_same, skeleton

#: Two texts, whether they are the same but for case, and whether they may be.
PAIRS = (
    ("Ali@Example.org", "ali@EXAMPLE.org", True, True),
    ("ÖZGE@example.org", "özge@example.org", True, True),
    ("ΣΊΣΥΦΟΣ", "σίσυφοσ", True, True),
    ("MIKE", "mike", True, True),
    ("MIKE", "mıke", False, True),
    ("mike", "mıke", False, False),
    ("MİKE", "MIKE", False, False),
    ("İPEK", "ipek", False, True),
    ("İPEK", "i\u0307pek", False, True),
    ("ALİ@GMAIL.COM", "ali@gmail.com", False, True),
    ("ali@example.org", "a1i@example.org", False, False),
    ("O\u0308zge", "özge", False, True),
    ("\u212aemal", "kemal", False, True),
    ("\u017fu", "su", False, True),
    ("STRASSE", "straße", False, False),
    ("STRAẞE", "straße", False, True),
    ("ali", "ali ", False, False),
)


@pytest.mark.parametrize(("one", "other", "same", "may_be"), PAIRS)
def test_case_is_a_matter_of_language(one: str, other: str, same: bool, may_be: bool) -> None:
    assert (fold(one) == fold(other)) == same
    assert may_be_same(one, other) == may_be_same(other, one) == may_be


LETTERS = "iIİıkK\u212aåÅ\u212ba\u0307\u030aßẞsſσςΣé"


def test_what_may_be_the_same_has_one_skeleton() -> None:
    texts = ["".join(it) for it in itertools.product(LETTERS, repeat=2)]
    for one, other in itertools.product(texts, texts):
        assert may_be_same(one, other) >= (fold(one) == fold(other))
        assert (skeleton(one) == skeleton(other)) >= may_be_same(one, other)


def test_every_letter_is_that_of_its_other_case() -> None:
    for letter in map(chr, range(0x20, sys.maxunicode)):
        for other in {letter.lower(), letter.upper(), letter.casefold()}:
            if fold(letter) == fold(other) or may_be_same(letter, other):
                assert skeleton(letter) == skeleton(other)


def test_the_database_finds_all_that_may_be_the_same(new_database: Callable[[], str]) -> None:
    table = Table("texts", MetaData(), Column("text", String(99)))
    engine = create_engine(new_database())
    stored = [text for pair in PAIRS for text in pair[:2]]
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(insert(table), [{"text": it} for it in stored])
        for text in stored:
            wanted = candidates(engine.dialect.name, table.c.text, {skeleton(text)})
            found = set(connection.scalars(select(table.c.text).where(wanted)))
            assert found >= {it for it in stored if may_be_same(it, text)}
            assert not {it for it in found if it.isascii() and skeleton(it) != skeleton(text)}
        table.drop(connection)
    engine.dispose()
