"""The services with each of their ports making spans, and the object store counting its bytes."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.telemetry.metered_store import MeteredStore
from shared.telemetry.tracing import traced_port

if TYPE_CHECKING:
    from shared.ports.imports import ImportSource
    from shared.services.imports import ImportSources
    from shared.services.services import Services

NOT_PORTS: Final = frozenset(
    {"settings", "partition", "cursor_key", "closers", "bind", "index_policy", "objects"}
)
GROUPS: Final = {"sending": ("partner", "uploads", "analytics"), "upstream": ("dicomweb", "queue", "feed")}
"""Fields that hold several ports each, which are traced one by one."""
SOURCES: Final = "import_sources"
"""The field that opens ports, each of which is traced."""


def traced_services(services: "Services") -> "Services":
    """Return *services* with every port traced."""
    held = {
        name: getattr(services, name)
        for name in services.__dataclass_fields__
        if name not in NOT_PORTS and getattr(services, name) is not None
    }
    ports = {name: _traced(value, name) for name, value in held.items()}
    objects = traced_port(MeteredStore(services.objects), "objects")
    return replace(services, objects=objects, **ports)


def _traced(value: Any, name: str) -> Any:
    if name == SOURCES:
        return _TracedSources(value)
    if name not in GROUPS:
        return traced_port(value, name)
    parts = {part: getattr(value, part) for part in GROUPS[name]}
    return replace(
        value,
        **{part: traced_port(port, f"{name}.{part}") for part, port in parts.items() if port is not None},
    )


class _TracedSources:
    """What opens sources, as it is, but that they are traced."""

    def __init__(self, sources: "ImportSources") -> None:
        self._sources = sources

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sources, name)

    def source(self, *named: Any, **asked: Any) -> "ImportSource":
        """Return the source that is asked for."""
        return traced_port(self._sources.source(*named, **asked), "import_source")
