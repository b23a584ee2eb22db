"""What the DICOMweb handlers share: where in the service a request points, and under which address the service is."""

from typing import Final, Literal

from starlette.requests import Request

from functions import _wiring
from functions._dialect import Dialect
from functions._public_url import public_base_url
from shared.dicom.partition_names import validate_partition_name
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import InvalidRequestError, NotFoundError
from shared.services.services import Services
from shared.settings.settings import Settings

type UnknownPartition = Literal["refuse", "make", "accept"]

DICOM_JSON: Final = "application/dicom+json"


async def services_of(
    req: Request, dialect: Dialect, *, unknown_partition: UnknownPartition = "refuse"
) -> Services:
    """Return the services of the data partition that *req* names, or of the default one.

    Args:
        req: The request.
        dialect: Of its root.
        unknown_partition: What becomes of a partition that is unknown: an error, a new one, or nothing.

    Raises:
        InvalidRequestError: No partition can be called so, or in the Azure dialect: it is unknown.
        NotFoundError: The partition is unknown.
    """
    services = await _wiring.services()
    name = _partition(req)
    if name is None or validate_partition_name(name) == services.partition:
        return services
    if unknown_partition == "make":
        await services.partitions.add(name)
    elif unknown_partition == "refuse" and not await services.partitions.has(name):
        message = "there is no such data partition; it comes into being when something is stored in it"
        raise InvalidRequestError(message) if dialect.partition_must_exist else NotFoundError(message)
    return await services.in_partition(name)


def _partition(req: Request) -> str | None:
    name = req.path_params.get("partition")
    return None if name is None else str(name)


def service_url(req: Request, dialect: Dialect, settings: Settings) -> str:
    """Return the public root of the service that *req* came to, without a trailing slash; of its partition, if any.

    It is as set, for clients and proxies do not all say truly where they sent a request; else as the request says.
    """
    base = settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    partition = _partition(req)
    return f"{base}/{dialect.root}" + (f"/partitions/{partition}" if partition is not None else "")


def split_path(req: Request) -> tuple[StudyRef | SeriesRef | InstanceRef, tuple[str, ...]]:
    """Return the study, series or instance that the route parameters `study` and `path` name, and what follows it.

    Raises:
        InvalidUidError: A UID in the path is none.
        NotFoundError: There is no such resource.
    """
    study = req.path_params["study"]
    segments = tuple(segment for segment in (req.path_params.get("path") or "").split("/") if segment)
    match segments:
        case ("series", series, "instances", instance, *rest):
            return InstanceRef(study, series, instance), tuple(rest)
        case ("series", series, *rest):
            return SeriesRef(study, series), tuple(rest)
        case _:
            return StudyRef(study), segments


def no_such_resource() -> NotFoundError:
    """Return the error of a path that is none of the service's."""
    return NotFoundError("there is no such resource; see PS3.18 for the paths of DICOMweb")
