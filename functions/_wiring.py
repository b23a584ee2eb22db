"""Hand triggers what they need: services, made once a process, and settings. Nothing else in this layer knows backends."""

import asyncio
import atexit
import functools

from shared.access.tokens import TokenCheck
from shared.services.access import token_check as make_token_check
from shared.services.audit import audit_trail as make_audit_trail
from shared.services.connection_check import check_connections
from shared.services.services import Services, build
from shared.settings.settings import Settings, load_settings
from shared.telemetry.audit_trail import AuditTrail


@functools.cache
def settings() -> Settings:
    """Return the settings, read once; what is wrong with them is a SettingsError."""
    return load_settings()


@functools.cache
def token_check() -> TokenCheck:
    """Return what finds out who bears a token, made when the first one comes."""
    return make_token_check(settings())


@functools.cache
def audit_trail() -> AuditTrail:
    """Return where audit messages go."""
    return make_audit_trail(settings())


@functools.cache
def start_telemetry() -> None:
    """Begin to send telemetry if the settings say where to; a second call does nothing."""
    from shared.telemetry.export import start_telemetry as start

    atexit.register(start(settings()))


async def connections() -> dict[str, str]:
    """Return what is found of each dependency, "ok" or what is wrong with it; whether or not services can be made."""
    return await check_connections(settings())


async def services() -> Services:
    """Return the services, making them inside the running loop when they are first asked for.

    Whoever asks meanwhile waits for the same. After a failure the next one who asks tries again.
    """
    return await _made.get()


class _MadeOnce:
    def __init__(self) -> None:
        self._making: asyncio.Task[Services] | None = None

    async def get(self) -> Services:
        if self._making is None or self._has_failed(self._making):
            self._making = asyncio.create_task(build(settings()))
        return await asyncio.shield(self._making)

    @staticmethod
    def _has_failed(making: asyncio.Task[Services]) -> bool:
        return making.done() and (making.cancelled() or making.exception() is not None)


_made = _MadeOnce()
