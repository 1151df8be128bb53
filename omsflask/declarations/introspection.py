"""What a list service says of itself: the OPTIONS document."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from .fields import describe
from .services import ListService

#: What the documented service names; a list that is only read parses no body.
PARSES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


#: By service, and as long as it lives.
_descriptions: WeakKeyDictionary[ListService, tuple[bytes, bytes]] = WeakKeyDictionary()


def description(service: ListService, renders: Sequence[str]) -> tuple[bytes, bytes]:
    """Return the OPTIONS document as JSON and its hash, made once for a service."""
    made = _descriptions.get(service)
    if made is None:
        body = orjson.dumps(metadata(service, renders))
        made = _descriptions[service] = body, sha256(body).digest()
    return made


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
