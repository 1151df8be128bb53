"""No sentence shows the password of a URL, however wrong the URL is."""

import traceback
from pathlib import Path
from typing import Any

import pytest

from omsflask.settings import SettingError
from omsflask.standalone.app import create_app

URLS = [
    "postgresql+psycopg://user:S3CRET@host:port/db",
    "postgresql+psycopg://user:my@S3CRET:xx@host/db",
    "postgresql+psycopg://user:x:S3CRET@host:5432x/db",
    "postgresql+psycopg://user:S3CRET@[::1/db",
    "postgresql+psycopg://user:S3CRET@host/db?prepare_threshold=x",
    "nonsense://user:S3CRET@host/db",
    "mysql://user:S3CRET@host/db",
    "oracle://user:S3CRET@host/db",
    "sqlite://user:S3CRET@host/db",
    "sqlite://:S3CRET@/db",
    "//user:S3CRET@host/db",
    "user:S3CRET@host/db",
    "S3CRET",
    "",
    b"postgresql://user:S3CRET@host/db",
]


@pytest.mark.parametrize("url", URLS, ids=range(len(URLS)))
@pytest.mark.parametrize("name", ["OMS_DATABASE_URL", "OMS_REPLICA_URL", "OMS_BASE_URL"])
def test_a_wrong_url_is_a_sentence_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, url: Any
) -> None:
    monkeypatch.setenv("OMS_INSTANCE_PATH", str(tmp_path))
    if url in ("", "S3CRET") and name != "OMS_DATABASE_URL":
        return
    with pytest.raises(SettingError, match=name) as caught:
        create_app({"OMS_DATABASE_URL": "postgresql+psycopg://h/d", name: url})
    if "@" in str(url):
        assert "S3CRET" not in "".join(traceback.format_exception(caught.value))


def test_the_password_of_a_base_url_is_not_shown() -> None:
    with pytest.raises(SettingError, match=r"not 'https://\*\*\*@example.com'"):
        create_app({"OMS_DATABASE_URL": "sqlite://", "OMS_BASE_URL": "https://a:b@example.com"})
