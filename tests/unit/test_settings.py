"""Settings: read lazily, from the environment, and never ignored."""

from pathlib import Path

import pytest

from shared.access.callers import Role
from shared.errors import SettingsError
from shared.settings.access import IN_AZURE
from shared.settings.settings import Settings, load_settings

SECRET = "c2VjcmV0"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin without settings, in a folder without `.env`."""
    import os

    for name in list(os.environ):
        if name.upper().startswith(("DICOM", "AZURE_STORAGE", "WEBSITE_", "CONTAINER_APP", "LEGION")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    """Nothing set: blobs of `images` come through the queue, and callers need a key."""
    settings = load_settings()

    assert (settings.watched_containers, settings.blob_events, settings.access) == (
        ("images",),
        "queue",
        "function",
    )
    assert settings.connection_string is None


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers stand in one setting; blanks around them do not count."""
    monkeypatch.setenv("DICOM_WATCHED_CONTAINERS", "images, more ,")
    monkeypatch.setenv("DICOM_READ_ONLY_CONTAINERS", "more")

    settings = load_settings()

    assert (settings.watched_containers, settings.read_only_containers) == (("images", "more"), ("more",))


def test_unknown_name_is_refused_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting does not pass silently."""
    monkeypatch.setenv("DICOM_WATCHED_CONTAINER", "images")

    with pytest.raises(SettingsError, match="DICOM_WATCHED_CONTAINER"):
        load_settings()


def test_bad_value_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the setting, not what it was set to: that may be a secret."""
    monkeypatch.setenv("DICOM_BLOB_EVENTS", SECRET)

    with pytest.raises(SettingsError, match="blob_events") as raised:
        load_settings()
    assert SECRET not in str(raised.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing the settings prints no key."""
    monkeypatch.setenv("DicomStorage", f"AccountName=a;AccountKey={SECRET}")

    settings = load_settings()

    assert SECRET not in repr(settings)
    assert settings.connection_string == f"AccountName=a;AccountKey={SECRET}"


def test_the_forerunners_names_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """C000-10: all five AZURE_STORAGE_*: account, key, container and table; and the connection string, which goes first."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "old")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", SECRET)
    monkeypatch.setenv("AZURE_STORAGE_CONTAINER_NAME", "mammograms")
    monkeypatch.setenv("AZURE_STORAGE_TABLE_NAME", "texts")

    settings = load_settings()

    assert "AccountName=old;" in (settings.connection_string or "")
    assert (settings.watched_containers, settings.report_table) == (("mammograms",), "texts")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=whole;AccountKey=x")
    assert load_settings().connection_string == "AccountName=whole;AccountKey=x"


def test_environment_wins_over_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """C000-10: `.env` is read last, and an explicit argument first; the forerunner let the environment win over it."""
    (tmp_path / ".env").write_text("DICOM_ARCHIVE_CONTAINER=file\nDICOM_DERIVED_CONTAINER=file\n")
    monkeypatch.setenv("DICOM_ARCHIVE_CONTAINER", "environment")

    settings = load_settings()

    assert (settings.archive_container, settings.derived_container) == ("environment", "file")
    assert Settings(archive_container="argument").archive_container == "argument"


@pytest.mark.parametrize("variable", IN_AZURE)
def test_anonymous_access_is_refused_in_azure(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Any of these tells that this is Azure, where nobody is let in without a key or token."""
    monkeypatch.setenv("DICOM_ACCESS", "anonymous")
    assert load_settings().access == "anonymous"
    monkeypatch.setenv(variable, "archive")

    with pytest.raises(SettingsError, match="anonymous"):
        load_settings()


def entra(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    """Set what tokens need, with *changes*; those that are empty are not set."""
    given = {
        "ACCESS": "entra",
        "ENTRA_TENANT": "11111111-2222-3333-4444-555555555555",
        "ENTRA_AUDIENCES": "api://archive",
        **changes,
    }
    for name, value in given.items():
        if value:
            monkeypatch.setenv(f"DICOM_{name}", value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ENTRA_TENANT": ""}, "ENTRA_TENANT"),
        ({"ENTRA_AUDIENCES": ""}, "ENTRA_AUDIENCES"),
        ({"ENTRA_TENANT": "common"}, "entra_tenant"),
        ({"ENTRA_SCOPES": "Dicom.Read"}, "name=role"),
        ({"ENTRA_SCOPES": "Dicom.Read=owner"}, "name=role"),
        ({"ENTRA_AUTHORITY": "http://login.example"}, "https"),
        ({"ENTRA_AUTHORITY": "http://127.0.0.1.evil.example"}, "https"),
        ({"ENTRA_AUTHORITY": "http://localhost:1@evil.example"}, "entra_authority"),
    ],
)
def test_tokens_are_never_taken_by_half(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], reason: str
) -> None:
    """Without tenant or audience any token of anybody's would do; without TLS anybody could hand out the keys."""
    entra(monkeypatch, **changes)
    with pytest.raises(SettingsError, match=reason):
        load_settings()


def test_an_issuer_on_this_machine_needs_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests and developers; never in Azure."""
    entra(monkeypatch, ENTRA_AUTHORITY="http://127.0.0.1:8080")
    assert load_settings().scope_limits() == {"user_impersonation": Role.ADMIN}
    monkeypatch.setenv("WEBSITE_SITE_NAME", "archive")
    with pytest.raises(SettingsError, match="https"):
        load_settings()
