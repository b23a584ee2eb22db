"""Ask an upstream service once whether it lets this app in, and is what it is said to be."""

import asyncio

from shared.backends.upstream.address import UpstreamAddress, address_of
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.login import login_of
from shared.errors import UpstreamLoginError, UpstreamTimeoutError, UpstreamUnavailableError
from shared.settings.upstream import UpstreamSettings


async def upstream_state(settings: UpstreamSettings, seconds: float) -> str:
    """Return "ok", "denied" (401), "forbidden" (403), "no such service" (404), "unreachable", or a status.

    The Azure DICOM service is asked for its feed, of which another version knows nothing; Orthanc for its changes; any
    other for a study.

    Raises:
        SettingsError: What is set of it makes no sense.
    """
    address = address_of(settings)
    http = UpstreamHttp(settings, login_of(settings))
    try:
        async with asyncio.timeout(seconds):
            return await _asked(http, address, settings.upstream_kind)
    except UpstreamLoginError:
        return "denied"
    except (UpstreamUnavailableError, UpstreamTimeoutError, TimeoutError):
        return "unreachable"
    finally:
        await http.close()


async def _asked(http: UpstreamHttp, address: UpstreamAddress, kind: str) -> str:
    if kind == "azure":
        url = address.url(("changefeed", "latest"), (("includemetadata", "false"),))
    elif kind == "orthanc":
        url = address.url(("changes",), (("limit", "1"),), own=True)
    else:
        url = address.url(("studies",), (("limit", "1"),))
    answer = await http.send("GET", url, {"accept": "application/dicom+json, application/json"})
    await answer.chunks.aclose()
    told = {200: "ok", 204: "ok", 401: "denied", 403: "forbidden", 404: "no such service"}
    return told.get(answer.status, f"status {answer.status}")
