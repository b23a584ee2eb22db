"""Turn what the client raises into errors of the product. Messages of the cluster may hold values: none is passed on."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.errors import AppError, BackendUnavailableError, InvalidQueryError, SettingsError

if TYPE_CHECKING:
    from elasticsearch import ApiError


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise errors of the product for those of the client.

    Raises:
        BackendUnavailableError: The cluster does not answer, or is too busy to.
        SettingsError: It does not let this service in.
        InvalidQueryError: It does not take what was sent.
    """
    from elastic_transport import TransportError
    from elasticsearch import ApiError

    try:
        yield
    except ApiError as error:
        raise of_status(what, error) from None
    except TransportError as error:
        raise BackendUnavailableError(
            f"Elasticsearch did not answer to {what} ({type(error).__name__})"
        ) from None


def of_status(what: str, error: "ApiError") -> AppError:
    """Return the error for an answer that is one."""
    status = error.meta.status
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return SettingsError(
            f"Elasticsearch refuses {what} ({status}): look at the API key or user and what it may do"
        )
    if status == HTTPStatus.BAD_REQUEST:
        return InvalidQueryError(f"Elasticsearch refuses {what} ({error.error})")
    return BackendUnavailableError(f"Elasticsearch answered {what} with {status}")
