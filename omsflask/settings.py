"""The settings: name, default and meaning in one table that code, docs and tests read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BOOLEANS = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


KINDS: dict[type, tuple[str, Any]] = {
    bool: ("true or false", lambda value: BOOLEANS[str(value).strip().lower()]),
    int: ("a whole number", lambda value: int(str(value))),
    float: ("a number", lambda value: float(str(value))),
    str: ("text", _text),
}

#: A host's name, with a dot before it for every one below.
HOST = r"\.?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"


class SettingError(ValueError):
    """A setting's value cannot be used. The text is one sentence that names the setting."""


@dataclass(frozen=True)
class Setting:
    """One ``OMS_*`` setting. The type of its default is the type of its values.

    :param pattern: of a text.
    :param form: what the pattern asks for, in words.
    """

    name: str
    default: bool | int | float | str
    meaning: str
    minimum: int = 0
    maximum: int = 10**6
    pattern: str = ".*"
    form: str = "text"

    def read(self, value: object) -> bool | int | float | str:
        """Return ``value``, perhaps the text of an environment variable, in the setting's type.

        :raises SettingError: when it is no such value.
        """
        kind, convert = KINDS[type(self.default)]
        try:
            result: bool | int | float | str = convert(value)
        except (KeyError, TypeError, ValueError):
            raise SettingError(f"{self.name} must be {kind}, not {value!r}.") from None
        if isinstance(result, str):
            if re.fullmatch(self.pattern, result, re.IGNORECASE) is None:
                raise SettingError(f"{self.name} must be {self.form}, not {value!r}.")
        elif not self.minimum <= result <= self.maximum:
            bounds = f"from {self.minimum} to {self.maximum}"
            raise SettingError(f"{self.name} must be {bounds}, not {value!r}.")
        return result


#: What every app with the extension reads from ``app.config``.
SETTINGS = (
    Setting("OMS_PAGE_SIZE", 10, "Rows a page when `limit` is not given.", minimum=1),
    Setting(
        "OMS_MAX_PAGE_SIZE", 1000, "Rows a page at most; a larger `limit` means this.", minimum=1
    ),
    Setting(
        "OMS_LENIENT_QUERY",
        False,
        "Ignore unknown parameters and take the last of repeated ones, as the documented service"
        " does, instead of answering 400.",
    ),
    Setting(
        "OMS_BASE_URL",
        "",
        "What comes before the path in links, `https://oms.example.com`. Empty: taken from the"
        " request.",
        pattern=r"(https?://[^\s/?#\\@]+(/[^\s?#\\]*)?)?",
        form="an absolute http or https address",
    ),
    Setting(
        "OMS_MAX_CONCURRENT_EXPORTS",
        2,
        "Whole exports at a time in one process; more are 503 with `Retry-After`.",
        minimum=1,
    ),
    Setting(
        "OMS_COMMIT_HORIZON_SECONDS",
        60.0,
        "How long at most a change may wait for older transactions to end, on PostgreSQL, where"
        " changes are pulled by `modified_date`. 0: not at all.",
    ),
    Setting(
        "OMS_COUNT_SECONDS",
        60.0,
        "How long at most a count is kept though rows have changed: 20 times what it took, if that"
        " was over 5 ms. 0: each is made anew, as it must be where row-level security or a"
        " `search_path` shows one statement other rows at other times.",
    ),
    Setting("OMS_CSV_BOM", False, "Begin CSV with a byte order mark, by which Excel knows UTF-8."),
    Setting(
        "OMS_CSV_GUARD", True, "Defuse CSV cells that a spreadsheet would run, with a leading `'`."
    ),
    Setting(
        "OMS_TOKEN_MEMORY_SECONDS",
        2.0,
        "How long a verified token of the package's own table is remembered, and so how long a"
        " revoked one stays valid. A host's `verify_token` is called in each request. 0 disables"
        " it.",
    ),
)

#: What the standalone app reads besides.
STANDALONE_SETTINGS = (
    Setting(
        "OMS_DATABASE_URL",
        "sqlite:///omsflask.sqlite3",
        "SQLAlchemy URL of the database. A relative SQLite path starts in `instance/`.",
    ),
    Setting(
        "OMS_REPLICA_URL",
        "",
        "SQLAlchemy URL of a streaming replica of that PostgreSQL, where lists, counts and exports"
        " are read. Empty: there is none.",
    ),
    Setting(
        "OMS_POOL_SIZE",
        8,
        "Connections to PostgreSQL that a process opens at most: one a thread, and some to spare.",
        minimum=1,
    ),
    Setting("OMS_POOL_TIMEOUT_SECONDS", 2.0, "How long to wait for one of them to be free."),
    Setting("OMS_POOL_RECYCLE_SECONDS", 1800, "How old a connection may become."),
    Setting("OMS_CONNECT_TIMEOUT_SECONDS", 3, "How long opening a connection may take.", minimum=2),
    Setting(
        "OMS_STATEMENT_TIMEOUT_SECONDS",
        5.0,
        "How long PostgreSQL may work on a statement of a page. 0: as the server says.",
    ),
    Setting(
        "OMS_LOCK_TIMEOUT_SECONDS",
        3.0,
        "How long PostgreSQL may wait for a lock. 0: as the server says.",
    ),
    Setting(
        "OMS_EXPORT_TIMEOUT_SECONDS",
        900.0,
        "How long PostgreSQL may work on a whole export. 0: for ever.",
    ),
    Setting(
        "OMS_SILENCE_TIMEOUT_SECONDS",
        6.0,
        "How long PostgreSQL may say nothing, in pages and in exports, before it is given up; more"
        " than a page's statement may take. By psycopg 3 alone. 0: for ever.",
    ),
    Setting(
        "OMS_TRUSTED_HOSTS",
        "localhost,127.0.0.1",
        "Host names, by commas, that a request may name; `.example.com` is every one below. Others"
        " are 400. Empty, or where `OMS_BASE_URL` is set: any.",
        pattern=rf"(\s*{HOST}\s*(,\s*{HOST}\s*)*)?",
        form="names of hosts by commas",
    ),
)


def defaults(settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the default of each setting by its name."""
    return {setting.name: setting.default for setting in settings}


def read(settings: Iterable[Setting], values: Mapping[str, object]) -> dict[str, Any]:
    """Return those of ``values`` that are ``settings``, each in its own type.

    :raises SettingError: when a value cannot be used.
    """
    return {
        setting.name: setting.read(values[setting.name])
        for setting in settings
        if setting.name in values
    }
