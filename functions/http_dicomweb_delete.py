"""HTTP trigger: delete instances."""

from http import HTTPStatus

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._dialect import Dialect
from functions._dicomweb import no_such_resource, services_of, split_path
from functions._roots import at_every_root
from shared.flows.delete_instances import DeletePorts, delete_instances

bp = func.Blueprint()


@at_every_root(bp, "delete", "studies/{study}/{*path}", ["DELETE"], forwarded=True)
async def delete(req: Request, dialect: Dialect) -> Response:
    """Delete what the path of *req* names, and answer 204."""
    ref, rest = split_path(req)
    if rest:
        raise no_such_resource()
    services = await services_of(req, dialect)
    ports = DeletePorts(
        objects=services.objects,
        index=services.index,
        ledger=services.ledger,
        cases=services.cases,
        queue=services.queue,
        read_only_containers=frozenset(services.settings.read_only_containers),
        archive_container=services.settings.archive_container,
        derived_container=services.settings.derived_container,
        partition=services.partition,
        quarantine_container=services.settings.quarantine_container,
    )
    await delete_instances(ref, ports)
    return Response(status_code=HTTPStatus.NO_CONTENT)
