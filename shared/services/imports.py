"""Composition of imports: the sources that the settings name, or a request does. Opens each when it is first asked for."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.errors import InvalidRequestError, NotFoundError
from shared.ports.imports import ImportSource
from shared.settings.imports import ImportSourceSettings
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from shared.backends.source_http.client import SourceHttp

_MOST_OPEN = 64


class ImportSources:
    """The sources of this process, each with connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.slots = asyncio.Semaphore(settings.import_connections)
        """One an instance that is under way, from whatever source: each may hold 4 MiB."""
        self._clients: dict[tuple[str, str], SourceHttp] = {}

    def source(self, name: str, *, kind: str = "", url: str = "", files_url: str = "") -> ImportSource:
        """Return the source of a name, or without one that of a URL, which has no credentials.

        Raises:
            NotFoundError: No source is called so.
            InvalidRequestError: The URL is none that a request may give.
            SourceRefusedError: It is at an address that is never asked.
        """
        if name:
            about = self._settings.import_sources.get(name)
            if about is None:
                raise NotFoundError("no import source is called so; DICOM_IMPORT_SOURCES names them")
        else:
            about = self._of_url(kind, url, files_url)
        return self._open(name, about)

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.close()

    def _of_url(self, kind: str, url: str, files_url: str) -> ImportSourceSettings:
        for one in (url, files_url):
            self._check_host(one)
        try:
            return ImportSourceSettings.model_validate({"kind": kind, "url": url, "files_url": files_url})
        except ValueError:
            raise InvalidRequestError(
                "give a source by its name in the settings, or kind (orthanc, dicomweb, study-list) and url; a study-list"
                " has a files_url too"
            ) from None

    def _check_host(self, url: str) -> None:
        if not url:
            return
        try:
            parts = urlsplit(url)
            named = {parts.hostname or "", parts.netloc.lower()}
        except ValueError:
            named = set[str]()
        if not named & set(self._settings.import_hosts):
            raise InvalidRequestError(
                "that host is not one a request may name; add it to DICOM_IMPORT_HOSTS, or the source to the settings"
            )

    def _open(self, name: str, about: ImportSourceSettings) -> ImportSource:
        from shared.backends.cornerstone import StudyListSource
        from shared.backends.dicomweb_client import DicomwebSource
        from shared.backends.orthanc import OrthancSource

        if about.kind == "orthanc":
            return OrthancSource(self._client(name, about.url, about))
        if about.kind == "dicomweb":
            return DicomwebSource(self._client(name, about.url, about))
        return StudyListSource(
            self._client(name, about.url, about), self._client(name, about.files_url, about)
        )

    def _client(self, name: str, url: str, about: ImportSourceSettings) -> "SourceHttp":
        from shared.backends.source_http.client import SourceHttp
        from shared.backends.source_http.options import SourceOptions

        made = self._clients.get((name, url))
        if made is None:
            if not name and len(self._clients) >= _MOST_OPEN:
                raise InvalidRequestError("too many sources were named by URL; name them in the settings")
            options = SourceOptions(
                url=url,
                username=about.username,
                password=about.password.get_secret_value(),
                bearer=about.bearer.get_secret_value(),
                certificate=about.certificate,
                private_key=about.private_key,
                ca_certs=about.ca_certs,
                allow_loopback=self._settings.import_loopback,
                timeout_seconds=self._settings.request_timeout_seconds,
                connections=self._settings.import_connections,
                attempts=self._settings.import_attempts,
            )
            made = self._clients[name, url] = SourceHttp(options)
        return made
