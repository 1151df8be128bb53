"""The OPTIONS document: a list service and its fields describe themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields, validate

from .services import ListService
from .shown import choices, shows
from .types import type_name

#: The published service names these; a list that is only read parses no body.
PARSES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


def metadata(service: ListService, renders: Sequence[str]) -> dict[str, Any]:
    """Return the OPTIONS document, in its published order of keys.

    :param renders: the media types to publish.
    """
    return {
        "name": service.name,
        "renders": list(renders),
        "parses": list(PARSES),
        "actions": {"GET": {name: describe(name, field) for name, field in service.fields.items()}},
        "filters": [declared.describe() for declared in service.filters.filters.values()],
    }


def _limits(field: fields.Field[Any]) -> dict[str, Any]:
    show = shows(field)
    limits: dict[str, Any] = {}
    for validator in field.validators:
        if isinstance(validator, validate.Range):
            limits |= {"min_value": show(validator.min), "max_value": show(validator.max)}
        elif isinstance(validator, validate.Length):
            limits |= {"min_length": validator.min, "max_length": validator.max}
    if isinstance(field, fields.Decimal):
        limits["max_digits"] = field.metadata.get("max_digits")
        limits["decimal_places"] = None if field.places is None else -field.places.adjusted()
    return {name: limit for name, limit in limits.items() if limit is not None}


def describe(name: str, field: fields.Field[Any]) -> dict[str, Any]:
    """Return what the OPTIONS document says of a field, in its published order of keys.

    :param name: the published name; the label is made from it unless the field's metadata has one.
        The metadata may also say ``max_digits`` of a decimal.
    """
    described = {
        "type": type_name(field),
        "required": field.required,
        "read_only": field.dump_only,
        "label": field.metadata.get("label") or name.replace("_", " ").capitalize(),
        **_limits(field),
    }
    if (limited := choices(field)) and not field.dump_only:
        described["choices"] = [
            {"value": shown, "display_name": label} for _, shown, label in limited
        ]
    return described
