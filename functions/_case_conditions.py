"""Read from a request on what condition it writes, and what it asks for by yes or no."""

from starlette.requests import Request

from shared.errors import InvalidQueryError, InvalidRequestError
from shared.flows.put_report import Condition

MAX_SECONDS = 200
"""Azure ends a request after 230."""


def condition_of(req: Request) -> Condition:
    """Return the condition of a write. Only one ETag, and only `*` for none, are understood.

    Raises:
        InvalidRequestError: It is another.

    Source: RFC 9110 §13.1.1 and §13.1.2
    """
    if_match, if_none_match = req.headers.get("if-match"), req.headers.get("if-none-match")
    if if_none_match is not None and (if_none_match.strip() != "*" or if_match is not None):
        raise InvalidRequestError("If-None-Match must be *, and comes without If-Match")
    if if_match is None:
        return Condition(if_absent=if_none_match is not None)
    etag = if_match.strip()
    if etag != "*" and not (len(etag) > 2 and etag[0] == etag[-1] == '"' and "," not in etag):
        raise InvalidRequestError("If-Match must be * or one strong ETag")
    return Condition(if_match=etag.strip('"'))


def flag(req: Request, name: str) -> bool | None:
    """Return a parameter of the query that is true or false, None where it is absent.

    Raises:
        InvalidQueryError: It is neither.
    """
    text = req.query_params.get(name)
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise InvalidQueryError(f"{name} must be true or false")
    return text.lower() == "true"


def number(req: Request, name: str, default: int, *, most: int) -> int:
    """Return a parameter of the query that is a whole number from 1 to *most*.

    Raises:
        InvalidQueryError: It is none.
    """
    text = req.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidQueryError(f"{name} must be a number from 1 to {most}")
    return int(text)
