"""The standalone app's engine: what each connection is opened with."""

from typing import Any

import pytest

from omsflask.settings import STANDALONE_SETTINGS, defaults
from omsflask.standalone.engine import CircuitBreaker


def test_a_connection_changes_nothing_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []
    breaker = CircuitBreaker(defaults(STANDALONE_SETTINGS))
    monkeypatch.setattr(breaker, "_connect", lambda *it: opened.append(it[-1]))
    shared = {"host": "db", "options": "-c search_path=a"}
    for _ in range(3):
        breaker(None, None, [], shared)
    assert shared == {"host": "db", "options": "-c search_path=a"}
    assert opened[0] == opened[2]
    assert opened[0]["options"].endswith("-c lock_timeout=3000 -c search_path=a")
