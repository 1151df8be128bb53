"""Parameters: the names of a query string, and the fields that read their texts strictly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from .fields import AnyField
from .lookups import TEXT, Lookup
from .shown import choices, file_text
from .types import type_of
from .validation import plain_text

#: The error for a text of the right form that is no value of its column.
INVALID = "Enter a valid value."

#: Errors of a field's own conversion for a text of the right form.
REFUSALS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Parameter:
    """One parameter of the query string: the column that it narrows, and by which lookup.

    :param field: of one value.
    """

    name: str
    column: str
    lookup: Lookup
    field: AnyField

    @property
    def reader(self) -> AnyField:
        """The field that reads the whole parameter."""
        return self.lookup.reader(self.field)


class Strict(fields.Field[Any]):
    """Reads the text of a parameter by another field, and refuses what that would take too easily.

    :param grammar: what the text must be.
    """

    def __init__(self, field: AnyField, grammar: Callable[[str], Any]) -> None:
        super().__init__()
        self.field = field
        self._grammar = grammar
        self._check = type_of(field).check
        self._invalid = type_of(field).invalid

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._check(self.field.deserialize(self._grammar(value), *args, **kwargs))
        except REFUSALS:
            raise ValidationError(self._invalid) from None


def parameter_field(field: AnyField) -> AnyField:
    """Return ``field`` as a query string needs it: strict about the text, and with its words."""
    row = type_of(field)
    field = copy.copy(field)
    if isinstance(field, fields.List):
        field.inner = parameter_field(field.inner)
    if isinstance(field, fields.Decimal):
        field.places = None  # 1.005 is to be compared, not rounded.
    field.error_messages = {**field.error_messages, "invalid": row.invalid}
    return Strict(field, choice_of(field) if choices(field) else row.grammar)


def stripped_for(field: AnyField | None, text: str) -> str:
    """Return ``text`` without its outer blanks where ``field`` reads a text, as Django does it.

    :param field: that :func:`parameter_field` has returned; none of an unknown parameter.
    """
    read_by = field.field if isinstance(field, Strict) else None
    if isinstance(read_by, fields.List):
        return ",".join(stripped_for(read_by.inner, part) for part in text.split(","))
    return text.strip() if read_by and type_of(read_by).name in TEXT else text


def choice_of(field: AnyField) -> Callable[[str], Any]:
    """Return the grammar of one of the choices of ``field``, written as it is shown."""
    values = {str(file_text(shown)): value for value, shown, _ in choices(field)}

    def grammar(text: str) -> Any:
        if plain_text(text) not in values:
            raise ValidationError(
                f"Select a valid choice. {text} is not one of the available choices."
            )
        return values[text]

    return grammar
