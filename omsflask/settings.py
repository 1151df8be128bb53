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


def _shown(value: object) -> str:
    """Return a value for a sentence, without the password of a URL."""
    return re.sub(r"(\w*:?//)?[^'\"]*@", r"\1***@", repr(value))


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
            raise SettingError(f"{self.name} must be {kind}, not {_shown(value)}.") from None
        if isinstance(result, str):
            if re.fullmatch(self.pattern, result, re.IGNORECASE) is None:
                raise SettingError(f"{self.name} must be {self.form}, not {_shown(value)}.")
        elif not self.minimum <= result <= self.maximum:
            bounds = f"from {self.minimum} to {self.maximum}"
            raise SettingError(f"{self.name} must be {bounds}, not {_shown(value)}.")
        return result


#: Every app with the extension reads these from ``app.config``.
SETTINGS = (
    Setting("OMS_PAGE_SIZE", 10, "Rows per page without `limit`.", minimum=1),
    Setting(
        "OMS_MAX_PAGE_SIZE",
        1000,
        "Largest number of rows per page. A larger `limit` means this number.",
        minimum=1,
    ),
    Setting(
        "OMS_LENIENT_QUERY",
        False,
        "Ignore unknown parameters and use the last of repeated ones, as the published service"
        " does. Otherwise both are 400. Strip outer blanks of text values. A blank value is no"
        " filter.",
    ),
    Setting(
        "OMS_BASE_URL",
        "",
        "Beginning of all links, such as `https://oms.example.com`. Empty: links begin as the"
        " request's address does.",
        pattern=r"(https?://[^\s/?#\\@]+(/[^\s?#\\]*)?)?",
        form="an absolute http or https address",
    ),
    Setting(
        "OMS_MAX_CONCURRENT_EXPORTS",
        2,
        "Largest number of whole exports at a time in a process. More are 503 with `Retry-After`.",
        minimum=1,
    ),
    Setting(
        "OMS_COMMIT_HORIZON_SECONDS",
        60.0,
        "Longest time that a change is held back for older transactions, when changes are pulled"
        " by `modified_date` on PostgreSQL. 0 disables it.",
    ),
    Setting(
        "OMS_COUNT_SECONDS",
        60.0,
        "Longest time that a count is reused after a commit. A count that took over 5 ms is reused"
        " for 20 times as long as it took. 0 disables reuse.",
    ),
    Setting(
        "OMS_CSV_BOM",
        False,
        "Begin CSV with a byte order mark, which tells Excel that it is UTF-8.",
    ),
    Setting(
        "OMS_CSV_GUARD", True, "Prefix CSV cells that a spreadsheet would run as formulas with `'`."
    ),
    Setting(
        "OMS_TOKEN_MEMORY_SECONDS",
        2.0,
        "TTL of verified tokens of the package's own table. A revoked token stays valid for as"
        " long. A host's `verify_token` is called in each request. 0 disables the cache.",
    ),
)

#: The standalone app reads these too.
STANDALONE_SETTINGS = (
    Setting(
        "OMS_DATABASE_URL",
        "sqlite:///omsflask.sqlite3",
        "SQLAlchemy URL of the database. A relative SQLite path starts in `instance/`.",
    ),
    Setting(
        "OMS_REPLICA_URL",
        "",
        "SQLAlchemy URL of a streaming replica of that PostgreSQL. Lists, counts and exports are"
        " read there. Empty: no replica.",
    ),
    Setting(
        "OMS_POOL_SIZE",
        8,
        "Largest number of connections to PostgreSQL in one process: one per thread, and spares.",
        minimum=1,
    ),
    Setting("OMS_POOL_TIMEOUT_SECONDS", 2.0, "Timeout for a free connection of the pool."),
    Setting("OMS_POOL_RECYCLE_SECONDS", 1800, "Age at which a connection is replaced."),
    Setting("OMS_CONNECT_TIMEOUT_SECONDS", 3, "Timeout for opening a connection.", minimum=2),
    Setting(
        "OMS_STATEMENT_TIMEOUT_SECONDS",
        5.0,
        "`statement_timeout` of PostgreSQL for pages. 0: the server's own setting.",
    ),
    Setting(
        "OMS_LOCK_TIMEOUT_SECONDS",
        3.0,
        "`lock_timeout` of PostgreSQL. 0: the server's own setting.",
    ),
    Setting(
        "OMS_EXPORT_TIMEOUT_SECONDS",
        900.0,
        "`statement_timeout` of PostgreSQL for whole exports. 0: no timeout.",
    ),
    Setting(
        "OMS_SILENCE_TIMEOUT_SECONDS",
        6.0,
        "Timeout for a silent PostgreSQL, in pages and in exports. Set it longer than"
        " `OMS_STATEMENT_TIMEOUT_SECONDS`. Only with psycopg 3. 0: no timeout.",
    ),
    Setting(
        "OMS_TRUSTED_HOSTS",
        "localhost,127.0.0.1",
        "Accepted names in the `Host` header, separated by commas. `.example.com` accepts every"
        " subdomain. Others are 400. Empty, or with `OMS_BASE_URL`: any name.",
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
