"""From a service's names to a model's columns, or a sentence at start-up that says what lacks."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, TypeDecorator, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.orm import (
    ColumnProperty,
    Mapper,
    QueryableAttribute,
    RelationshipDirection,
    RelationshipProperty,
    class_mapper,
)
from sqlalchemy.sql.elements import ColumnElement

from .cells import Expression
from .fields import choices
from .lookups import LOOKUPS, Parameter

#: The Python types whose values a cursor can hold.
ORDERED = (bool, int, float, str, datetime, date, time, Decimal, UUID, enum.Enum)


class BindError(TypeError):
    """A service cannot be bound to a model. The text is the reason, without a full stop."""


def resolve(
    model: type[Any],
    published: Mapping[str, str],
    filtered: Iterable[str],
    given: Mapping[str, Any],
) -> dict[str, Expression]:
    """Return the SQL expressions of ``model`` by the attributes that a service names.

    :param published: from the published names of the fields to their attributes.
    :param filtered: the attributes that filters name.
    :param given: by either name, what the host says instead of the model's attribute.
    :raises BindError: naming what is unknown or missing.
    """
    _mapper(model)
    given = {published.get(name, name): value for name, value in given.items()}
    wanted = {*published.values(), *filtered}
    if unknown := sorted(set(given) - wanted):
        raise BindError(f"it shows no {', '.join(unknown)}")
    found = {name: _expression(given.get(name, getattr(model, name, None))) for name in wanted}
    if missing := sorted(name for name, expression in found.items() if expression is None):
        name = model.__name__
        raise BindError(
            f"{name} has no column {', '.join(missing)};"
            f" name others as in bind({name}, {missing[0]}={name}.…)"
        )
    return {name: expression for name, expression in found.items() if expression is not None}


def check_tables(model: type[Any], columns: Mapping[str, Expression]) -> None:
    """Check that every column comes from the tables of ``model``, row by row.

    :raises BindError: naming one that would multiply the rows.
    """
    rows = _mapper(model).selectable
    for name, column in columns.items():
        if len(select(column).select_from(rows).get_final_froms()) > 1:
            raise BindError(
                f"{name} is of another table than {model.__name__}; give it a column_property, a"
                " scalar subquery, or a scope that joins the two"
            )


def check_order(columns: Mapping[str, Expression]) -> None:
    """Check that a cursor can hold the values of ``columns``.

    :raises BindError: naming one whose type has no order, or is not known.
    """
    for name, column in columns.items():
        if not issubclass(_python_type(column), ORDERED):
            raise BindError(
                f"it cannot be ordered by {name}, whose SQL type is {column.type!r}; if it is"
                " another, say type_coerce(…, String)"
            )


def check_filters(columns: Mapping[str, Expression], parameters: Iterable[Parameter]) -> None:
    """Check that an enumeration is compared with its members only.

    :raises BindError: naming a filter that would take any text.
    """
    for parameter in parameters:
        column = columns[parameter.column]
        compares = LOOKUPS[parameter.lookup].binds
        if compares and isinstance(column.type, Enum) and not choices(parameter.field):
            raise BindError(
                f"{parameter.column} is an enumeration; filter it by fields.Enum, or by a field"
                " with validate.OneOf"
            )


def _mapper(model: type[Any]) -> Mapper[Any]:
    # Not configured, since models that this one refers to may not be imported yet.
    try:
        return class_mapper(model, configure=False)
    except (ArgumentError, InvalidRequestError):
        raise BindError(f"{model!r} is no mapped class") from None


def _python_type(column: Expression) -> type[Any]:
    kind = column.type
    try:
        return (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type
    except NotImplementedError:
        return object


def _expression(value: Any) -> Expression | None:
    if isinstance(value, QueryableAttribute):
        prop = getattr(value, "property", None)
        if isinstance(prop, RelationshipProperty):
            local = list(prop.local_columns)
            refers = prop.direction is RelationshipDirection.MANYTOONE and len(local) == 1
            return local[0] if refers else None
        # The bare column, since one that is marked as an entity's compiles the slow way.
        value = prop.columns[0] if isinstance(prop, ColumnProperty) else value.__clause_element__()
    return value if isinstance(value, ColumnElement) else None
