"""Lookups: from the end of a parameter's name to how its value is read and compared.

A host gives a lookup of its own to a filter: ``Filter(String, lookups=("exact", starts_with))``.
"""

from __future__ import annotations

import operator
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from webargs.fields import DelimitedList

from .fields import AnyField

#: Largest number of values in one ``in``: a query has room for some thousand.
MAX_VALUES = 1000

#: Characters of a part of a text. SQLite takes patterns of 50,000 bytes.
MAX_PART_LENGTH = 1000

#: The types of fields that read a text, and of columns that keep one.
TEXT = frozenset(["string", "email", "url"])

ESCAPE = "/"


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """How a parameter's value is read and compared.

    :param name: what follows ``__`` in the parameter's name.
    :param compare: ``(column, value) -> condition``, in SQL.
    :param reader: from the field of one value to the field that reads the parameter.
    :param prepare: from a value to what is compared with the column: a pattern, say.
    :param types: the types of fields and columns that it compares; all where none are named.
    :param binds: whether the value becomes a parameter of the statement.
    :param expands: whether any number of values are one parameter.
    :param narrows_from_below: whether rows with larger values are found and with smaller ones not.
    """

    name: str
    compare: Callable[[Any, Any], Any]
    reader: Callable[[AnyField], AnyField] = lambda field: field
    prepare: Callable[[Any], Any] = lambda value: value
    types: frozenset[str] = frozenset()
    binds: bool = True
    expands: bool = False
    narrows_from_below: bool = False


class ascii_lower(GenericFunction[str]):  # noqa: N801
    """SQL for a text with the letters A to Z in lower case, and no other letter changed."""

    type = String()
    inherit_cache = True


@compiles(ascii_lower, "sqlite")
def _sqlite(element: ascii_lower, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(ascii_lower, "postgresql")
def _postgresql(element: ascii_lower, compiler: SQLCompiler, **options: Any) -> str:
    return f'lower({compiler.process(element.clauses, **options)} COLLATE "C")'


LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def pattern(text: str) -> str:
    """Return the pattern of LIKE that ``text`` matches, and no other: its wildcards are escaped."""
    return "".join(f"{ESCAPE}{it}" if it in f"%_{ESCAPE}" else it for it in text)


def _several(field: AnyField) -> AnyField:
    most = validate.Length(
        max=MAX_VALUES, error="Ensure this field has no more than {max} elements."
    )
    return DelimitedList(field, validate=most)


def _two(field: AnyField) -> AnyField:
    two = validate.Length(equal=2, error="Range query expects two values.")
    return DelimitedList(field, validate=two)


def _part(field: AnyField) -> AnyField:
    """Return a field for a part of a text, of which the whole need not be valid."""
    most = validate.Length(
        max=MAX_PART_LENGTH, error="Ensure this value has at most {max} characters."
    )
    return fields.String(validate=most)


#: By their names, which are Django's; several values are separated by commas.
LOOKUPS: dict[str, Lookup] = {
    lookup.name: lookup
    for lookup in (
        Lookup(name="exact", compare=operator.eq),
        Lookup(name="gt", compare=operator.gt, narrows_from_below=True),
        Lookup(name="gte", compare=operator.ge, narrows_from_below=True),
        Lookup(name="lt", compare=operator.lt),
        Lookup(name="lte", compare=operator.le),
        Lookup(
            name="in",
            compare=lambda column, values: column.in_(values),
            reader=_several,
            expands=True,
        ),
        Lookup(
            name="range",
            compare=lambda column, ends: column.between(*ends),
            reader=_two,
            narrows_from_below=True,
        ),
        Lookup(
            name="icontains",
            compare=lambda column, part: ascii_lower(column).like(part, escape=ESCAPE),
            reader=_part,
            prepare=lambda part: f"%{pattern(part.translate(LOWER))}%",
            types=TEXT,
        ),
        Lookup(
            name="isnull",
            compare=lambda column, yes: column.is_(None) if yes else column.is_not(None),
            reader=lambda _: fields.Boolean(),
            binds=False,
        ),
    )
}
