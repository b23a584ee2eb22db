"""Settings of the S3 store: by names of our own, or by the forerunner's file."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from shared.errors import SettingsError
from shared.services.search import search_engine
from shared.settings.s3 import read_forerunner_config
from shared.settings.settings import Settings, load_settings

SECRET = "c2VjcmV0"
FORERUNNERS = {
    "es.url": "search.example",
    "es.port": 9200,
    "es.scheme": "https",
    "es.http_compress": True,
    "s3.url": "https://s3.example:8443",
    "s3.account": "nobody",
    "s3.acces_key_id": "someone",
    "s3.sercret_access_key": SECRET,
    "s3.bucket": "dicom-test",
    "s3.index": "images",
    "s3.content_type": "application/octet-stream",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin without settings, in a folder without `.env`."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("DICOM"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a file of the forerunner's keys in the environment."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(FORERUNNERS))
    monkeypatch.setenv("DICOM_CONFIG_FILE", str(path))
    return path


def test_objects_are_kept_on_azure_unless_said_otherwise() -> None:
    """Nothing set."""
    assert (load_settings().object_store, load_settings().s3_endpoint) == ("azure", "")


@pytest.mark.usefixtures("config_file")
def test_the_forerunners_file_is_taken_as_it_is() -> None:
    """Misspelt keys included; it has an S3 address, so that is where objects are kept."""
    settings = load_settings()

    assert settings.object_store == "s3"
    assert settings.s3_endpoint == "https://s3.example:8443"
    assert settings.s3_access_key_id is not None
    assert settings.s3_access_key_id.get_secret_value() == "someone"
    assert settings.s3_secret_access_key is not None
    assert settings.s3_secret_access_key.get_secret_value() == SECRET
    assert (settings.bucket_of_keys, settings.watched_containers) == ("dicom-test", ("dicom-test",))
    assert settings.s3_content_type == "application/octet-stream"
    assert SECRET not in repr(settings)


@pytest.mark.usefixtures("config_file")
def test_parameter_goes_before_environment_before_file_before_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in the forerunner, with the environment between."""
    assert Settings().bucket_of_keys == "dicom-test"
    assert Settings().derived_container == "derived"
    monkeypatch.setenv("DICOM_WATCHED_CONTAINERS", "images,environment,parameter")
    monkeypatch.setenv("DICOM_KEY_BUCKET", "environment")
    monkeypatch.setenv("DICOM_OBJECT_STORE", "azure")

    assert (Settings().bucket_of_keys, Settings().object_store) == ("environment", "azure")
    assert Settings(key_bucket="parameter").bucket_of_keys == "parameter"


@pytest.mark.parametrize(
    ("keys", "effect"),
    [
        ({"es.url": "h"}, {"elasticsearch_url": "http://h"}),
        ({"es.url": "h", "es.port": 9201}, {"elasticsearch_url": "http://h:9201"}),
        ({"es.url": "h", "es.scheme": "https"}, {"elasticsearch_url": "https://h"}),
        ({"es.http_compress": True}, {"elasticsearch_http_compress": True}),
        ({"s3.url": "https://h"}, {"s3_endpoint": "https://h", "object_store": "s3"}),
        ({"s3.acces_key_id": "k"}, {"s3_access_key_id": SecretStr("k")}),
        ({"s3.sercret_access_key": "k"}, {"s3_secret_access_key": SecretStr("k")}),
        ({"s3.bucket": "b-1"}, {"key_bucket": "b-1", "watched_containers": ("b-1",)}),
        ({"s3.index": "i"}, {"elasticsearch_index": "i"}),
        ({"s3.content_type": "a/b"}, {"s3_content_type": "a/b"}),
        ({"s3.account": "a"}, {}),
    ],
)
def test_each_key_of_the_forerunner_changes_just_what_it_means(
    config_file: Path, keys: dict[str, Any], effect: dict[str, Any]
) -> None:
    """All eleven; the account was never read by the forerunner either, and so is nothing here."""
    config_file.write_text(json.dumps({}))
    without = load_settings().model_dump()
    config_file.write_text(json.dumps(keys))
    changed = {name: value for name, value in load_settings().model_dump().items() if value != without[name]}

    assert changed == effect


async def test_compression_of_search_reaches_the_client(config_file: Path) -> None:
    """The one key whose effect no server shows."""
    for compress in (True, False):
        config_file.write_text(
            json.dumps({"es.url": "127.0.0.1", "es.port": 9, "es.http_compress": compress})
        )
        engine = search_engine(load_settings())
        assert engine is not None
        [node] = engine._client.transport.node_pool.all()
        assert node.config.http_compress is compress
        await engine.close()


def test_the_bucket_of_keys_must_be_watched(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file says and what the environment says do not fit: that is told, and not settled in silence."""
    monkeypatch.setenv("DICOM_WATCHED_CONTAINERS", "images")
    with pytest.raises(SettingsError, match="DICOM_KEY_BUCKET"):
        load_settings()
    monkeypatch.setenv("DICOM_WATCHED_CONTAINERS", "images,dicom-test")
    assert load_settings().bucket_of_keys == "dicom-test"


def test_right_spelling_and_nesting_are_understood_too(tmp_path: Path) -> None:
    """Whoever mends the file is not punished."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"s3": {"access_key_id": "someone", "secret_access_key": SECRET}}))

    assert read_forerunner_config(path) == {"s3_access_key_id": "someone", "s3_secret_access_key": SECRET}


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ({"es.url": "search.example"}, "http://search.example"),
        ({"es.url": "search.example", "es.port": 9200, "es.scheme": "https"}, "https://search.example:9200"),
        ({"es.url": "https://search.example/"}, "https://search.example"),
    ],
)
def test_the_address_of_search_is_put_together(tmp_path: Path, keys: dict[str, Any], url: str) -> None:
    """It stands in three keys."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(keys))

    assert read_forerunner_config(path) == {"elasticsearch_url": url}


@pytest.mark.parametrize(
    "content", [b"\x80\x04}q\x00.", b"[]", b"{", json.dumps({"s3.sercret_key": SECRET}).encode()]
)
def test_a_file_that_makes_no_sense_is_refused_without_its_values(config_file: Path, content: bytes) -> None:
    """A pickle, the forerunner's default format, is never loaded; a key that it did not know is named."""
    config_file.write_bytes(content)

    with pytest.raises(SettingsError, match="DICOM_CONFIG_FILE") as raised:
        load_settings()
    assert SECRET not in str(raised.value)


def test_a_file_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was named, so it counts."""
    monkeypatch.setenv("DICOM_CONFIG_FILE", "nowhere.json")

    with pytest.raises(SettingsError, match="DICOM_CONFIG_FILE"):
        load_settings()
