"""Grammars: what a text must be before a field reads it, and what is said otherwise."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields

from .shown import choices, file_text

#: ``109.0`` is whole too, and what pandas makes of a column of keys with a gap.
WHOLE_NUMBER = re.compile(r"\s*([-+]?\d+)(?:\.0*)?\s*", re.ASCII)
INT64 = (-(2**63), 2**63 - 1)
DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)", re.ASCII)
FLOAT = re.compile(DECIMAL.pattern + r"([eE][-+]?\d{1,2})?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

#: Characters of a number that is no integer; a price has a dozen.
MAX_NUMBER_LENGTH = 100


def whole_number(text: str) -> int:
    """Return the integer that ``text`` writes in ASCII digits; 64 bits at most."""
    match = WHOLE_NUMBER.fullmatch(text)
    if match is None:
        raise ValidationError("Enter a whole number.")
    low, high = INT64
    # A number of more digits is out of range whatever they are; int() would refuse thousands.
    digits = match[1].lstrip("+-0") or "0"
    number = int(digits) if len(digits) < 20 else high + 2
    number = -number if "-" in match[1] else number
    if number < low:
        raise ValidationError(f"Ensure this value is greater than or equal to {low}.")
    if number > high:
        raise ValidationError(f"Ensure this value is less than or equal to {high}.")
    return number


def plain_text(text: str) -> str:
    """Return ``text`` if a database can hold it."""
    if "\0" in text:
        raise ValidationError("Null characters are not allowed.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError("Enter valid UTF-8 text.") from None
    return text


def written_as(number: re.Pattern[str]) -> Callable[[str], str]:
    """Return the grammar of what is written as ``number`` says."""

    def grammar(text: str) -> str:
        text = text.strip()
        if len(text) > MAX_NUMBER_LENGTH or number.fullmatch(text) is None:
            raise ValidationError("Enter a number.")
        return text

    return grammar


def truth(text: str) -> bool:
    """Return what ``true`` or ``false``, in any case, says."""
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValidationError("Must be a valid boolean.")
    return word == "true"


def calendar_date(text: str) -> str:
    """Return ``text`` if it is written as ``2024-01-31``."""
    text = text.strip()
    if DATE.fullmatch(text) is None:
        raise ValidationError("Enter a valid date.")
    return text


def separated(text: str) -> str:
    """Return ``text`` if there is something between its commas."""
    if not all(part.strip() for part in plain_text(text).split(",")):
        raise ValidationError("Enter a value between every two commas.")
    return text


#: What a text must be before a field of that class reads it, and what the field says otherwise.
#: A decimal has no exponent: ``1E+999999999`` is a value that no database can hold.
GRAMMARS: tuple[tuple[type[fields.Field[Any]], Callable[[str], Any], str], ...] = (
    (fields.Integer, whole_number, "Enter a whole number."),
    (fields.Decimal, written_as(DECIMAL), "Enter a number."),
    (fields.Number, written_as(FLOAT), "Enter a number."),
    (fields.Boolean, truth, "Must be a valid boolean."),
    (fields.DateTime, plain_text, "Enter a valid date/time."),
    (fields.Date, calendar_date, "Enter a valid date."),
    (fields.Time, plain_text, "Enter a valid time."),
    (fields.List, separated, "Enter a list of values."),
    (fields.Field, plain_text, "Enter a valid value."),
)


def choice_of(field: fields.Field[Any]) -> Callable[[str], Any]:
    """Return the grammar of one of the choices of ``field``, written as it is shown."""
    values = {str(file_text(shown)): value for value, shown, _ in choices(field)}

    def grammar(text: str) -> Any:
        if plain_text(text) not in values:
            raise ValidationError(
                f"Select a valid choice. {text} is not one of the available choices."
            )
        return values[text]

    return grammar


def parameter_field(field: fields.Field[Any]) -> fields.Field[Any]:
    """Return ``field`` as a query string needs it: strict about the text, and with its words."""
    grammar, invalid = next(
        (grammar, invalid) for kind, grammar, invalid in GRAMMARS if isinstance(field, kind)
    )
    field = copy.copy(field)
    if isinstance(field, fields.List):
        field.inner = parameter_field(field.inner)
    if isinstance(field, fields.Decimal):
        field.places = None  # 1.005 is to be compared, not rounded.
    if choices(field):
        grammar = choice_of(field)
    field.pre_load = [grammar, *field.pre_load]
    field.error_messages = {**field.error_messages, "invalid": invalid}
    return field
