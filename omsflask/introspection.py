"""What a list service says of itself: the OPTIONS document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .fields import describe
from .services import ListService

#: What the documented service names; a list that is only read parses no body.
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
