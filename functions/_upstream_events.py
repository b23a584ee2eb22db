"""What the triggers share that follow the upstream service: reading messages, and the calls of flows that look."""

from functools import partial

from functions._index import index_ports
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import InvalidRequestError, NotConfiguredError
from shared.flows.forget_upstream import ForgetPorts
from shared.flows.forget_upstream import forget_upstream as forget
from shared.flows.index_instance import index_instance
from shared.services.services import Services


async def forget_upstream(ref: StudyRef | SeriesRef | InstanceRef, services: Services) -> None:
    """Take out of the index what the upstream service no longer holds of *ref*.

    Raises:
        NotConfiguredError: There is no upstream service.
    """
    if services.upstream is None:
        raise NotConfiguredError("there is no upstream service; set DICOM_UPSTREAM_URL")
    look = partial(index_instance, ports=index_ports(services))
    await forget(ref, ForgetPorts(services.index, services.upstream.queue, look))


def read_upstream_event(message: bytes | str) -> list[InstanceRef]:
    """Return the instances that a message asks to look at.

    Raises:
        InvalidRequestError: It is no such message.
    """
    import orjson

    try:
        return [InstanceRef(*uids) for uids in orjson.loads(message)["instances"]]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InvalidRequestError("the message is not {instances: [[study, series, instance], …]}") from None
