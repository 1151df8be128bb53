"""Texts that differ in the case of their letters alone.

Case depends on the language. In English, I is the capital of i; in Turkish, I is the capital of ı,
and İ that of i. ``lower()`` is no answer: it turns "İ" into two characters, SQLite's leaves Ö as it
is, and PostgreSQL's depends on the collation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import LargeBinary, String, cast, func, or_
from sqlalchemy.sql.elements import ColumnElement

#: Pairs of letters, each of which is the other's capital in some language.
CAPITALS = ({"i", "I"}, {"i", "İ"}, {"ı", "I"})

#: The letters of CAPITALS, which :func:`skeleton` takes for one.
ONE_LETTER = str.maketrans("Iİı", "iii")

#: The lower case of "İ" in JavaScript and Python.
SMALL_DOTTED = "i\u0307"


def fold(text: str) -> str:
    """Return ``text`` in small letters; two texts are the same but for case if theirs are equal.

    Only a letter whose capital is just the letter again is made small: ı, İ, ß and ſ stay.
    """
    if text.isascii():
        return text.lower()
    return "".join(map(_small, text))


def may_be_same(one: str, other: str) -> bool:
    """Return whether two texts are the same but for case in some language or normal form."""
    one, other = _composed(one), _composed(other)
    return len(one) == len(other) and all(map(_may_be_same, one, other))


def skeleton(text: str) -> str:
    """Return what all texts have in common that may be the same."""
    if text.isascii():
        return text.lower()
    return _composed(text).translate(ONE_LETTER).casefold()


def candidates(
    dialect: str, column: ColumnElement[Any], skeletons: Iterable[str]
) -> ColumnElement[bool]:
    """Return SQL for all values of ``column`` with one of ``skeletons``, and for some others.

    A value beyond ASCII is found whatever it is: no database folds it as :func:`skeleton` does.

    :param dialect: the name of the database's.
    """
    text: Any = cast(column, String)
    if dialect == "postgresql":
        small, size = func.lower(text.collate("C")), func.length(func.convert_to(text, "UTF8"))
    else:
        small, size = func.lower(text), func.length(cast(text, LargeBinary))
    return or_(small.in_([*skeletons]), size != func.length(text))


@cache
def _small(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 and small.upper() == letter else letter


def _may_be_same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold() or {one, other} in CAPITALS


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace(SMALL_DOTTED, "İ")
