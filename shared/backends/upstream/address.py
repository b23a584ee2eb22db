"""Where an upstream service answers, made of its settings. Sends nothing."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

from yarl import URL

from shared.errors import SettingsError
from shared.settings.upstream import UpstreamSettings

_VERSION = re.compile(r"/(v[12])(?:\.0)?(?:-prerelease)?$")
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """The roots of a service, without trailing slashes.

    Attributes:
        dicomweb: Of its DICOMweb resources.
        service: Of the service itself, as set.
        version: Of the Azure DICOM service's API.
    """

    dicomweb: str
    service: str
    version: str

    def url(
        self, path: tuple[str, ...], query: tuple[tuple[str, str], ...] = (), *, own: bool = False
    ) -> URL:
        """Return a URL below the DICOMweb root, or with *own* below the service's; parts are encoded here, once."""
        root = self.service if own else self.dicomweb
        encoded = "".join(f"/{quote(segment, safe='')}" for segment in path)
        parameters = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return URL(f"{root}{encoded}{parameters}", encoded=True)


def address_of(settings: UpstreamSettings) -> UpstreamAddress:
    """Return where the service that *settings* name answers.

    Raises:
        SettingsError: The address is none, or credentials would travel unencrypted.
    """
    service = settings.upstream_url.rstrip("/")
    parts = urlsplit(service)
    if not parts.hostname or _DOTS.search(parts.path) or "%" in parts.path:
        raise SettingsError("DICOM_UPSTREAM_URL must be https://host, with a plain path if any")
    if settings.upstream_credential != "none" and parts.scheme != "https" and not _is_local(parts.hostname):
        raise SettingsError(
            "DICOM_UPSTREAM_URL must begin with https:// where credentials are sent; http:// is for this machine only"
        )
    if settings.upstream_kind == "azure":
        if found := _VERSION.search(service):
            return UpstreamAddress(service, service, found[1])
        version = settings.upstream_version
        return UpstreamAddress(f"{service}/{version}", f"{service}/{version}", version)
    if settings.upstream_kind == "orthanc":
        return UpstreamAddress(f"{service}/{settings.upstream_orthanc_path}", service, "")
    return UpstreamAddress(service, service, "")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
