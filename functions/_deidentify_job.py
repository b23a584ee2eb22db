"""What the triggers of de-identification jobs share: where a job writes to, and what it needs to run."""

from starlette.datastructures import QueryParams

from functions._deidentify_request import is_dry_run
from functions._own_containers import check_foreign_container
from shared.dicom.partition_names import validate_partition_name
from shared.errors import InvalidRequestError
from shared.flows.run_deidentification import DeletePorts, RunPorts, StorePorts, ToContainer, ToPartition
from shared.ports.jobs import Job
from shared.services.services import Services


def check_destination(params: QueryParams, services: Services) -> None:
    """Refuse a request that does not say where to, or asks to write where the instances lie.

    Raises:
        InvalidRequestError: It is one.
    """
    partition, container = params.get("toPartition"), params.get("toContainer")
    if is_dry_run(params):
        return
    if (partition is None) == (container is None):
        raise InvalidRequestError("say where to: toPartition or toContainer, one of them; or dryRun=true")
    if partition is not None and validate_partition_name(partition) == services.partition:
        raise InvalidRequestError("the instances lie in that data partition: name another one")
    if container is not None:
        check_foreign_container(container, "toContainer", services.settings)


async def run_ports(job: Job, services: Services) -> RunPorts:
    """Return what *job* needs to run; *services* are those of its data partition."""
    return RunPorts(
        objects=services.objects,
        index=services.index,
        jobs=services.jobs,
        work=services.deidentifications,
        report_container=services.settings.derived_container,
        destination=await _destination(QueryParams(list(job.parameters)), services),
    )


async def _destination(params: QueryParams, services: Services) -> ToContainer | ToPartition | None:
    if is_dry_run(params):
        return None
    if (container := params.get("toContainer")) is not None:
        return ToContainer(services.objects, container)
    name = validate_partition_name(params["toPartition"])
    await services.partitions.add(name)
    target = await services.in_partition(name)
    settings = services.settings
    return ToPartition(
        StorePorts(
            objects=target.objects,
            index=target.index,
            ledger=target.ledger,
            cases=target.cases,
            queue=target.queue,
            container=settings.archive_container,
            partition=name,
        ),
        DeletePorts(
            objects=target.objects,
            index=target.index,
            ledger=target.ledger,
            cases=target.cases,
            queue=target.queue,
            read_only_containers=frozenset(),
            derived_container=settings.derived_container,
            partition=name,
        ),
    )
