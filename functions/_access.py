"""Let a caller in, or not: the one place where HTTP requests are checked, before anything of them is read.

Without tokens the platform has checked the key, or everybody is let in on a developer's machine.
"""

from collections.abc import Iterator
from typing import Final

from starlette.requests import Request

from functions import _wiring
from functions._surface import SURFACES, Reach, Surface
from shared.access.callers import EVERYTHING, NOBODY, Caller, Role
from shared.errors import AppError, ForbiddenError, UnauthenticatedError
from shared.settings.settings import Settings

_CALLER: Final = "dicom_functions.caller"
_FOUND: Final = "dicom_functions.partition"
_OF_SIGNED_IN: Final = "x-ms-token-aad-access-token"
"""Where the platform's own sign-in (App Service authentication) hands on a browser's token. It is checked as any other."""


async def admit(req: Request, function: str) -> None:
    """Find out who sent *req*, and refuse what they may not do.

    Raises:
        UnauthenticatedError: They bear no token, or none that is taken.
        ForbiddenError: Their roles do not reach so far, or nobody has declared what *function* needs.
        BackendUnavailableError: The keys of the issuer of tokens cannot be had.
    """
    settings = _wiring.settings()
    if settings.access != "entra":
        kind: Final = "function-key" if settings.access == "function" else "nobody"
        req.scope[_CALLER] = Caller(kind, grants=EVERYTHING)
        return
    surface = SURFACES.get(function)
    if surface is None:
        raise ForbiddenError("nobody may use this: no role is declared for it")
    if surface.role is None:
        return
    # Who they are is known, and audited, even where they are refused.
    req.scope[_CALLER] = caller = await _wiring.token_check().caller(_token(req))
    for role, partition in _needed(req, surface, surface.role, settings):
        _check(caller, role, partition)
    if not caller.may_somewhere(surface.role):
        raise ForbiddenError(f"this needs the role {surface.role.name.lower()}")


def caller_of(req: Request) -> Caller:
    """Return who sent *req*; nobody, until they are let in."""
    caller: Caller = req.scope.get(_CALLER, NOBODY)
    return caller


def check_partition(req: Request, role: Role, partition: str | None) -> None:
    """Refuse a request whose caller does not have *role* in the data partition that it turns out to be about.

    Where that is None, it is the whole archive.

    Raises:
        ForbiddenError: They do not.
    """
    if partition is not None:
        req.scope[_FOUND] = partition
    _check(caller_of(req), role, partition)


def partition_found(req: Request) -> str | None:
    """Return the data partition that a handler found its request to be about; None where it looked for none."""
    found: str | None = req.scope.get(_FOUND)
    return found


def challenge_of(req: Request, error: AppError) -> dict[str, str]:
    """Return the headers that tell a client what it lacks; none where that is no token and no role.

    Source: RFC 6750 §3
    """
    if isinstance(error, UnauthenticatedError):
        said = ', error="invalid_token"' if _has_token(req) else ""
        said += f', error_description="{error}"' if said else ""
    elif isinstance(error, ForbiddenError):
        said = f', error="insufficient_scope", error_description="{error}"'
    else:
        return {}
    settings = _wiring.settings()
    authority, tenant = settings.entra_authority.rstrip("/"), settings.entra_tenant
    where = f', authorization_uri="{authority}/{tenant}"' if settings.access == "entra" else ""
    return {"WWW-Authenticate": f'Bearer realm="dicom-functions"{where}{said}'}


def _needed(
    req: Request, surface: Surface, role: Role, settings: Settings
) -> Iterator[tuple[Role, str | None]]:
    """Yield each role that a request needs, with the data partition, or None for the whole archive."""
    match surface.reach:
        case Reach.WHOLE:
            yield role, None
        case Reach.DEFAULT:
            yield role, settings.partition
        case Reach.PATH:
            yield role, req.path_params.get("partition") or settings.partition
        case Reach.QUERY:
            # Each of several, whichever of them is taken in the end.
            for partition in req.query_params.getlist("partition") or [settings.partition]:
                yield role, partition
            for partition in req.query_params.getlist("toPartition"):
                yield Role.WRITER, partition
            if "toContainer" in req.query_params:
                yield Role.WRITER, None
            if "index" in req.query_params:
                yield role, None
        case Reach.NOTHING | Reach.HANDLER:
            return


def _check(caller: Caller, role: Role, partition: str | None) -> None:
    if not caller.may(role, partition):
        where = "the whole archive" if partition is None else "this data partition"
        raise ForbiddenError(f"this needs the role {role.name.lower()} for {where}")


def _token(req: Request) -> str:
    """Return the bearer token.

    Raises:
        UnauthenticatedError: There is none, or there are several.
    """
    given = req.headers.getlist("authorization")
    if not given and req.method in ("GET", "HEAD"):
        # Never for what changes something: a browser sends its session along with requests that others made it send.
        given = [f"Bearer {token}" for token in req.headers.getlist(_OF_SIGNED_IN)]
    if not given:
        raise UnauthenticatedError("a bearer token is needed")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("one bearer token is needed, and no other credentials")
    return token.strip()


def _has_token(req: Request) -> bool:
    return "authorization" in req.headers or _OF_SIGNED_IN in req.headers
