"""From a service's names to a model's columns, or a sentence at start-up that says what lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import fields
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

from .expressions import Expression
from .fields import AnyField
from .parameters import Parameter
from .shown import choices
from .sql_types import SQLType, can_compare, column_types, python_type
from .types import TYPES, type_of
from .values import is_ordered


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
        if not is_ordered(column.type):
            raise BindError(
                f"it cannot be ordered by {name}, whose SQL type is {column.type!r}; if it is"
                " another, say type_coerce(…, String)"
            )


def check_fields(shown: Mapping[str, tuple[AnyField, Expression]]) -> None:
    """Check that every field can show the values of its column.

    :param shown: by the published names.
    :raises BindError: naming a field whose type does not fit.
    """
    for name, (field, column) in shown.items():
        row, sql_type = type_of(field), column.type
        if not row.shows:
            raise BindError(
                f"{name} is a {_class(field)} field, which reads an object, and a list reads"
                " columns; use the field of its value, and give bind the SQL expression"
            )
        if not (_converts(field, "_serialize") or row.shows & column_types(sql_type)):
            raise BindError(
                f"{name} is of type {sql_type!r}, which the field {_class(field)} cannot"
                f" show{_instead(sql_type)}"
            )


def check_filters(columns: Mapping[str, Expression], parameters: Iterable[Parameter]) -> None:
    """Check that every filter can be compared with its column.

    :raises BindError: naming a filter whose type does not fit, or that would compare an enumeration
        with any text.
    """
    for parameter in parameters:
        field, sql_type = parameter.field, columns[parameter.column].type
        if not parameter.lookup.binds:
            continue
        if parameter.lookup.types:
            _check_lookup(parameter, sql_type)
        elif isinstance(sql_type, Enum):
            _check_members(parameter, sql_type)
        elif not (_converts(field, "_deserialize") or _is_comparable(field, sql_type)):
            raise BindError(
                f"{parameter.column} is of type {sql_type!r}, which the filter {parameter.name}"
                f" cannot compare with {_class(field)}{_instead(sql_type)}"
            )


def _check_lookup(parameter: Parameter, sql_type: SQLType) -> None:
    lookup, own = parameter.lookup, type_of(parameter.field)
    # A type of the host's own would take a pattern for a value.
    is_plain = not isinstance(sql_type, Enum | TypeDecorator)
    if not (is_plain and own.name in lookup.types and lookup.types & column_types(sql_type)):
        raise BindError(
            f"{parameter.column} is of type {sql_type!r} and {parameter.name} of"
            f" {_class(parameter.field)}; the lookup {lookup.name} compares"
            f" {' and '.join(sorted(lookup.types))} only"
        )


def _check_members(parameter: Parameter, sql_type: Enum) -> None:
    limited = choices(parameter.field)
    if not limited:
        raise BindError(
            f"{parameter.column} is an enumeration; filter it by fields.Enum, or by a field"
            " with validate.OneOf"
        )
    for value, shown, _ in limited:
        is_member = sql_type.enum_class is not None and isinstance(value, sql_type.enum_class)
        if not is_member and value not in sql_type.enums:
            raise BindError(
                f"{parameter.column} is an enumeration of {', '.join(sql_type.enums)}, and the"
                f" filter {parameter.name} takes {shown!r}"
            )


def _is_comparable(field: AnyField, sql_type: SQLType) -> bool:
    if not isinstance(field, fields.Enum):
        return bool(type_of(field).compares & column_types(sql_type))
    # A column that is no enumeration holds what is shown of the members.
    return all(can_compare(shown, sql_type) for _, shown, _ in choices(field))


def _converts(field: AnyField, method: str) -> bool:
    """Whether a class of the host's own converts the values, so that only the host knows them."""
    module: str = getattr(type(field), method).__module__
    return not module.startswith(("marshmallow.", "omsflask."))


def _class(field: AnyField) -> str:
    return type(field).__name__


def _instead(sql_type: SQLType) -> str:
    """Return the advice to use the fields that are made for ``sql_type``."""
    if isinstance(sql_type, TypeDecorator) and python_type(sql_type) is object:
        return f"; if its values are of another type, give {type(sql_type).__name__} a python_type"
    types = column_types(sql_type)
    made = [row.fields[0].__name__ for name, row in TYPES.items() if name in types]
    return f"; use {' or '.join(made)}" if made else ""


def _mapper(model: type[Any]) -> Mapper[Any]:
    # The mapper is not configured: models that this one refers to may not be imported yet.
    try:
        return class_mapper(model, configure=False)
    except (ArgumentError, InvalidRequestError):
        raise BindError(f"{model!r} is no mapped class") from None


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
