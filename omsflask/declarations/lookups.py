"""Lookups: from the end of a parameter's name to how its value is read and compared."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate
from webargs.fields import DelimitedList

from .fields import AnyField

#: Of values in one ``in``: a query has room for some thousand.
MAX_VALUES = 1000


@dataclass(frozen=True)
class Lookup:
    """What a lookup makes of a column and a value, and what it makes of a filter's field.

    :param compare: ``(column, value) -> condition``, in SQL.
    :param reader: from the field of one value to the field that reads the parameter.
    :param binds: whether the value becomes a parameter of the statement.
    :param expands: whether any number of values are one parameter.
    """

    compare: Callable[[Any, Any], Any]
    reader: Callable[[AnyField], AnyField] = lambda field: field
    binds: bool = True
    expands: bool = False


def _several(field: AnyField) -> AnyField:
    most = validate.Length(
        max=MAX_VALUES, error="Ensure this field has no more than {max} elements."
    )
    return DelimitedList(field, validate=most)


def _two(field: AnyField) -> AnyField:
    two = validate.Length(equal=2, error="Range query expects two values.")
    return DelimitedList(field, validate=two)


#: By their names, which are Django's; several values are separated by commas.
LOOKUPS: dict[str, Lookup] = {
    "exact": Lookup(operator.eq),
    "gt": Lookup(operator.gt),
    "gte": Lookup(operator.ge),
    "lt": Lookup(operator.lt),
    "lte": Lookup(operator.le),
    "in": Lookup(lambda column, values: column.in_(values), _several, expands=True),
    "range": Lookup(lambda column, ends: column.between(*ends), _two),
    "isnull": Lookup(
        lambda column, yes: column.is_(None) if yes else column.is_not(None),
        lambda _: fields.Boolean(),
        binds=False,
    ),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of the query string: the column that it narrows, and by which lookup.

    :param field: of one value.
    """

    name: str
    column: str
    lookup: str
    field: AnyField

    @property
    def reader(self) -> AnyField:
        """The field that reads the whole parameter."""
        return LOOKUPS[self.lookup].reader(self.field)
