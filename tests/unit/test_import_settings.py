"""The settings of imports: what they take, and that they keep their secrets."""

import json

import pytest

from shared.errors import InvalidRequestError, NotFoundError, SettingsError, SourceRefusedError
from shared.services.imports import ImportSources
from shared.settings.settings import load_settings

SECRET = "s3cret-of-the-pacs"
GOOD = {
    "main": {"kind": "orthanc", "url": "https://pacs.example", "username": "u", "password": SECRET},
    "list": {"kind": "study-list", "url": "http://l.example/src", "files_url": "http://o.example"},
}


def test_sources_are_read_and_their_logins_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON, by name; neither the settings nor a source prints a password."""
    monkeypatch.setenv("DICOM_IMPORT_SOURCES", json.dumps(GOOD))
    settings = load_settings()
    assert settings.import_sources["main"].password.get_secret_value() == SECRET
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.import_sources)
    assert ImportSources(settings).source("main").lists_uids
    assert not ImportSources(settings).source("list").lists_uids
    with pytest.raises(NotFoundError):
        ImportSources(settings).source("other")


@pytest.mark.parametrize(
    "value",
    [
        "{",
        "[]",
        json.dumps({"a b": GOOD["main"]}),
        json.dumps({"x": {"kind": "ftp", "url": "https://x", "password": SECRET}}),
        json.dumps({"x": {"kind": "orthanc", "url": f"https://u:{SECRET}@x"}}),
        json.dumps(
            {"x": {"kind": "orthanc", "url": "http://pacs.example", "username": "u", "password": SECRET}}
        ),
        json.dumps({"x": {"kind": "orthanc", "url": "https://x", "pasword": SECRET}}),
        json.dumps({"x": {"kind": "study-list", "url": "https://x"}}),
        json.dumps({"x": {"kind": "orthanc", "url": "https://x", "files_url": "https://y"}}),
    ],
)
def test_sources_that_make_no_sense_are_refused_without_their_secrets(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """No JSON, another kind, credentials in a URL or in the open, a misspelt key: told, and nothing is repeated."""
    monkeypatch.setenv("DICOM_IMPORT_SOURCES", value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert SECRET not in str(error.value)


def test_requests_may_name_hosts_that_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host, or a host and port, as the settings have it; whatever a URL hides, its host decides."""
    monkeypatch.setenv("DICOM_IMPORT_HOSTS", "pacs.example, other.example:8042")
    sources = ImportSources(load_settings())
    assert sources.source("", kind="orthanc", url="https://pacs.example:99/x")
    assert sources.source("", kind="dicomweb", url="http://other.example:8042/dicom-web")
    refused = [
        ("orthanc", "http://other.example/"),
        ("orthanc", "http://pacs.example.evil.example/"),
        ("orthanc", "http://evil.example/pacs.example"),
        ("orthanc", "http://pacs.example@evil.example/"),
        ("orthanc", "http://evil.example#pacs.example"),
        ("orthanc", "http://u:p@pacs.example/"),
        ("orthanc", "file://pacs.example/etc/passwd"),
        ("ftp", "http://pacs.example/"),
        ("study-list", "http://pacs.example/"),
        ("orthanc", "http://[pacs.example"),
    ]
    for kind, url in refused:
        with pytest.raises(InvalidRequestError):
            sources.source("", kind=kind, url=url)
    monkeypatch.setenv("DICOM_IMPORT_HOSTS", "169.254.169.254,127.0.0.1")
    sources = ImportSources(load_settings())
    for url in ("http://169.254.169.254/latest", "http://127.0.0.1:8042"):
        with pytest.raises(SourceRefusedError):
            sources.source("", kind="orthanc", url=url)
