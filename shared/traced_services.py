"""The services with each of their ports making spans, and the object store counting its bytes."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.metered_store import MeteredStore
from shared.tracing import traced_port

if TYPE_CHECKING:
    from shared.services import Services

NOT_PORTS: Final = frozenset(
    {"settings", "partition", "cursor_key", "closers", "bind", "index_policy", "objects"}
)


def traced_services(services: "Services") -> "Services":
    """Return *services* with every port traced."""
    ports: dict[str, Any] = {
        name: traced_port(getattr(services, name), name)
        for name in services.__dataclass_fields__
        if name not in NOT_PORTS and getattr(services, name) is not None
    }
    objects = traced_port(MeteredStore(services.objects), "objects")
    return replace(services, objects=objects, **ports)
