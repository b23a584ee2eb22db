"""HTTP trigger: the data partitions that there are, as the Azure DICOM service lists them."""

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._dialect import Dialect
from functions._http import json_response
from functions._roots import at_every_root

bp = func.Blueprint()


@at_every_root(bp, "partitions", "partitions", ["GET"], in_partitions=False)
async def partitions(req: Request, dialect: Dialect) -> Response:
    """List the partitions; their keys count them by age, the default one being the first."""
    services = await _wiring.services()
    rows: list[dict[str, object]] = [{"PartitionKey": 1, "PartitionName": services.partition}]
    for key, partition in enumerate(await services.partitions.all(), start=2):
        created = partition.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        rows.append({"PartitionKey": key, "PartitionName": partition.name, "CreatedDate": created})
    return json_response(rows)
