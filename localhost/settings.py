"""App settings, host.json and what is derived from them; it opens no connection."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localhost.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

_EXPRESSION = re.compile(r"%([^%\s]+)%")
_TIMESPAN = re.compile(r"(?:(?P<d>\d+)\.)?(?P<h>\d{1,2}):(?P<m>[0-5]?\d)(?::(?P<s>[0-5]?\d(?:\.\d{1,7})?))?")
_OVERRIDE = "AzureFunctionsJobHost__"
DEFAULT_BODY_LIMIT = 104_857_600


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object; a missing file reads as an empty object.

    Raises:
        StartError: The file is not UTF-8 JSON, or its top is no object.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise StartError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise StartError(f"{path}: must hold one JSON object")
    return value


def apply_local_settings(path: Path, environ: MutableMapping[str, str]) -> None:
    """Put the `Values` of a local settings file into the environment, which wins where both name one.

    Raises:
        StartError: The file is encrypted or malformed.
    """
    content = read_json_object(path)
    if content.get("IsEncrypted"):
        raise StartError(f"{path}: is encrypted; only Core Tools can read it (func settings decrypt)")
    values = content.get("Values", {})
    if not isinstance(values, dict):
        raise StartError(f"{path}: Values must be an object of strings")
    for name, value in values.items():
        if isinstance(value, (dict, list)):
            raise StartError(f"{path}: the value of {name} must be a string")
        environ.setdefault(name, str(value) if not isinstance(value, bool) else str(value).lower())


def expand(text: str, environ: Mapping[str, str], where: str) -> str:
    """Replace every `%NAME%` by the app setting of that name.

    Raises:
        StartError: A setting is missing.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environ:
            raise StartError(f"{where}: app setting {name} (from %{name}%) is missing")
        return environ[name]

    return _EXPRESSION.sub(value, text)


def connection_setting(name: str, environ: Mapping[str, str], where: str) -> str:
    """Find which setting holds the connection string that a binding names.

    Raises:
        StartError: There is none, or it is of an identity-based form.
    """
    for candidate in (f"AzureWebJobs{name}", name):
        if environ.get(candidate):
            return candidate
    if any(key.startswith(f"{name}__") for key in environ):
        raise StartError(
            f"{where}: connection {name} is identity-based (__serviceUri); localhost takes a connection string"
        )
    raise StartError(
        f"{where}: connection {name} has no app setting; add it to local.settings.json or the environment"
    )


def parse_timespan(text: str) -> timedelta:
    """Parse a .NET TimeSpan such as `00:00:02`, `1.12:00:00` or `00:05`.

    Raises:
        ValueError: The text is no TimeSpan.
    """
    match = _TIMESPAN.fullmatch(text)
    if match is None or int(match["h"]) > 23:
        raise ValueError(f"{text!r} is no TimeSpan [d.]hh:mm[:ss]")
    days, seconds = int(match["d"] or 0), float(match["s"] or 0)
    return timedelta(days=days, hours=int(match["h"]), minutes=int(match["m"]), seconds=seconds)


def is_disabled(function_name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a setting switches the function off."""
    names = (f"AzureWebJobs.{function_name}.Disabled", f"AzureWebJobs__{function_name}__Disabled")
    return any(environ.get(name, "").strip().lower() in {"true", "1"} for name in names)


def body_limit(environ: Mapping[str, str]) -> int:
    """Read the largest request body, in bytes.

    Raises:
        StartError: The setting is no positive whole number.
    """
    text = environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", str(DEFAULT_BODY_LIMIT))
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise StartError(f"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT={text}: give a number of bytes")
    return int(text)


def host_id(asked: str | None, environ: Mapping[str, str], app: Path) -> str:
    """Choose the id that names this app's receipts, timers and queues: asked, by setting, or from the folder.

    Raises:
        StartError: The id could not be part of a queue's name.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", app.name.lower()).strip("-")[:23] or "app"
    derived = f"{slug}-{hashlib.sha256(str(app).encode()).hexdigest()[:8]}"
    chosen = asked or environ.get("AzureFunctionsWebHost__hostid") or derived
    if not re.fullmatch(r"[a-z0-9](?:-?[a-z0-9]){0,31}", chosen) or len(chosen) > 32:
        raise StartError(f"host id {chosen!r}: use 1 to 32 of a-z, 0-9 and single inner dashes")
    return chosen


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues` of host.json, and the lease of a message; durations in seconds."""

    lease: float
    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout: float
    max_polling_interval: float
    base64: bool


@dataclass(frozen=True)
class BlobOptions:
    """`extensions.blobs` of host.json."""

    max_degree_of_parallelism: int
    poison_blob_threshold: int


class HostJson:
    """host.json with the overrides of `AzureFunctionsJobHost__*` settings; names are compared without case."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._content = _lower(read_json_object(path))
        for name, value in environ.items():
            if name.lower().startswith(_OVERRIDE.lower()):
                self._override(name[len(_OVERRIDE) :].lower().split("__"), value)

    def _override(self, keys: list[str], value: str) -> None:
        node = self._content
        for key in keys[:-1]:
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                return
            node = child
        node[keys[-1]] = value

    def _get(self, section: str, name: str, default: str | float) -> str:
        node: Any = self._content.get("extensions", {})
        node = node.get(section, {}) if isinstance(node, dict) else {}
        value = node.get(name.lower(), default) if isinstance(node, dict) else default
        return str(value)

    def _int(self, section: str, name: str, default: int, low: int, high: int) -> int:
        text = self._get(section, name, default)
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise StartError(
                f"{self._path}: extensions.{section}.{name}={text}: give a whole number {low}..{high}"
            )
        return int(text)

    def _duration(self, section: str, name: str, default: str) -> float:
        try:
            return parse_timespan(self._get(section, name, default)).total_seconds()
        except ValueError as error:
            raise StartError(f"{self._path}: extensions.{section}.{name}: {error}") from error

    @property
    def route_prefix(self) -> str:
        """The first segments of every route, without slashes at either end; may be empty."""
        return self._get("http", "routePrefix", "api").strip("/")

    def queues(self, lease: float) -> QueueOptions:
        """Read `extensions.queues`.

        Raises:
            StartError: A value is out of its range.
        """
        batch_size = self._int("queues", "batchSize", 16, 1, 32)
        threshold = batch_size // 2 * (os.process_cpu_count() or 1)
        encoding = self._get("queues", "messageEncoding", "base64").lower()
        if encoding not in {"base64", "none"}:
            raise StartError(f"{self._path}: extensions.queues.messageEncoding={encoding}: base64 or none")
        return QueueOptions(
            lease=lease,
            batch_size=batch_size,
            new_batch_threshold=self._int("queues", "newBatchThreshold", threshold, 0, 10_000),
            max_dequeue_count=self._int("queues", "maxDequeueCount", 5, 1, 1_000),
            visibility_timeout=self._duration("queues", "visibilityTimeout", "00:00:00"),
            max_polling_interval=max(0.1, self._duration("queues", "maxPollingInterval", "00:01:00")),
            base64=encoding == "base64",
        )

    def blobs(self) -> BlobOptions:
        """Read `extensions.blobs`.

        Raises:
            StartError: A value is out of its range.
        """
        degree = 8 * (os.process_cpu_count() or 1)
        return BlobOptions(
            max_degree_of_parallelism=self._int("blobs", "maxDegreeOfParallelism", degree, 1, 1_000),
            poison_blob_threshold=self._int("blobs", "poisonBlobThreshold", 5, 1, 1_000),
        )


def _lower(value: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): _lower(item) if isinstance(item, dict) else item for key, item in value.items()}
