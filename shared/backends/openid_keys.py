"""Fetch the keys of an issuer of tokens from where its configuration says that they are.

Source: OpenID Connect Discovery 1.0 §4; RFC 7517 §5
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from shared.errors import BackendUnavailableError

SECONDS: Final = 5
"""That the issuer has for each of the two answers."""
_MAX_BYTES: Final = 512 * 1024


class OpenidKeys:
    """Reads the keys of one issuer each time it is called."""

    def __init__(self, configuration_url: str) -> None:
        self._url = configuration_url

    async def __call__(self) -> list[Mapping[str, Any]]:
        """Return the keys as JSON Web Keys.

        Raises:
            BackendUnavailableError: The issuer does not answer, or not with what it should.
        """
        configuration = await _get(self._url)
        where = configuration.get("jwks_uri")
        if not isinstance(where, str) or not self._may_lie_at(where):
            raise BackendUnavailableError("the issuer's configuration does not say where its keys are")
        keys = (await _get(where)).get("keys")
        if not isinstance(keys, list):
            raise BackendUnavailableError("the issuer's answer holds no keys")
        return [key for key in keys if isinstance(key, dict)]

    def _may_lie_at(self, where: str) -> bool:
        """Keys come by TLS; without it only from where the configuration came from, which is this machine."""
        given, known = urlsplit(where), urlsplit(self._url)
        return given.scheme == "https" or (given.scheme, given.netloc) == (known.scheme, known.netloc)


async def _get(url: str) -> dict[str, Any]:
    import orjson

    try:
        content = orjson.loads(await _body(url))
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise BackendUnavailableError("the issuer of tokens did not answer with a JSON object")
    return content


async def _body(url: str) -> bytes:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=SECONDS)
    body = bytearray()
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                raise BackendUnavailableError(f"the issuer of tokens answered {answer.status}")
            async for piece in answer.content.iter_chunked(64 * 1024):
                body += piece
                if len(body) > _MAX_BYTES:
                    raise BackendUnavailableError("the issuer of tokens answered with too much")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        kind = type(error).__name__
        raise BackendUnavailableError(f"the issuer of tokens did not answer ({kind})") from None
    return bytes(body)
