"""The border to HTTP: errors become answers here, and nowhere else. It knows no resource and no flow.

Importing the extension makes the worker stream requests and responses, for the whole app: every HTTP function takes
and returns the types named here.
"""

import functools
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import azurefunctions.extensions.http.fastapi  # noqa: F401 - importing it is what switches streaming on
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from functions import _wiring
from functions._access import admit, challenge_of
from functions._audit import audit_request
from functions._cors import allow_origin
from functions._events import describe_failure
from shared import errors
from shared.access.touched import gathering
from shared.telemetry.tracing import note, trigger_span

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 5

_STATUS: Final[Mapping[type[BaseException], HTTPStatus]] = {
    errors.InvalidRequestError: HTTPStatus.BAD_REQUEST,
    errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.FrameOutOfRangeError: HTTPStatus.NOT_FOUND,
    errors.QueryTooBroadError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotAcceptableError: HTTPStatus.NOT_ACCEPTABLE,
    errors.UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.PayloadTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ReadOnlyError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ObjectExistsError: HTTPStatus.CONFLICT,
    errors.PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    errors.RejectedInstanceError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotConfiguredError: HTTPStatus.NOT_IMPLEMENTED,
    errors.SettingsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PermanentError: HTTPStatus.BAD_REQUEST,
    errors.UpstreamUnavailableError: HTTPStatus.BAD_GATEWAY,
    errors.BadUpstreamAnswerError: HTTPStatus.BAD_GATEWAY,
    errors.UpstreamLoginError: HTTPStatus.BAD_GATEWAY,
    errors.UpstreamTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
_INVOCATION_ID = re.compile(r"[0-9A-Za-z-]{1,64}")

type Handler = Callable[[Request], Awaitable[Response]]


def answers_errors(handler: Handler) -> Handler:
    """Let in who may call *handler*, answer each error with its status and a problem document, and tell allowed origins.

    What the handler needs of its caller is declared under its name, which is that of its function.
    Of an error that nobody foresaw the client learns only the operation id, and the log only its kind and place: its
    message may hold values of a patient.

    Source: RFC 9457 §3
    """

    @functools.wraps(handler)
    async def handle(req: Request) -> Response:
        _wiring.start_telemetry()
        with trigger_span(handler.__name__, req.headers), gathering() as touched:
            response, error = await answer(req)
            note(status=response.status_code)
        audit_request(
            req, handler.__name__, response, error=error, touched=touched, operation_id=operation_id(req)
        )
        # No browser takes an answer for another kind of content than it says, such as a report for a page.
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return allow_origin(req, response, _wiring.settings().cors_origins)

    async def answer(req: Request) -> tuple[Response, Exception | None]:
        try:
            await admit(req, handler.__name__)
            return await handler(req), None
        except errors.AppError as error:
            response = problem(req, status_of(error), code_of(error), str(error))
            response.headers.update(challenge_of(req, error))
            return response, error
        except ClientDisconnect as error:
            return Response(status_code=HTTPStatus.BAD_REQUEST), error  # nobody is left to read it
        except Exception as error:  # noqa: BLE001 - the border to the host, where no message may pass
            operation = operation_id(req)
            name = handler.__name__
            _log.error("%s failed, operation %s:\n%s", name, operation, describe_failure(error))
            detail = "The server failed. Quote the operation id when you report this."
            return problem(req, HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", detail), error

    return handle


def status_of(error: errors.AppError) -> HTTPStatus:
    """Return the status of the nearest class above *error* that has one."""
    return next(
        (_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), HTTPStatus.INTERNAL_SERVER_ERROR
    )


def code_of(error: errors.AppError) -> str:
    """Return the name under which clients may tell *error* from others, such as "InstanceNotFound"."""
    return type(error).__name__.removesuffix("Error")


def problem(req: Request, status: HTTPStatus, code: str, detail: str) -> Response:
    """Answer with a problem document, and ask for another try where that can help.

    Source: RFC 9457 §3
    """
    content = {
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
        "operation_id": operation_id(req),
    }
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return json_response(content, status=status, media_type="application/problem+json", headers=headers)


def operation_id(req: Request) -> str:
    """Return the id under which this request stands in traces: of the trace, else of the invocation, else a new one."""
    if trace := _TRACE_PARENT.fullmatch(req.headers.get("traceparent", "")):
        return trace[1]
    if invocation := _INVOCATION_ID.fullmatch(req.headers.get("x-ms-invocation-id", "")):
        return invocation[0]
    return uuid.uuid4().hex


def json_response(
    content: Any,
    *,
    status: int = HTTPStatus.OK,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with *content* as JSON."""
    import orjson

    return Response(orjson.dumps(content), status_code=status, media_type=media_type, headers=headers)
