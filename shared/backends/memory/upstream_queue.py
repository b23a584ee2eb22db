"""UpstreamQueue in memory: it remembers what it was asked."""

from collections.abc import Sequence

from shared.dicom.references import InstanceRef


class MemoryUpstreamQueue:
    """Instances that are to be looked at, in the order asked."""

    def __init__(self) -> None:
        self.refs: list[InstanceRef] = []

    async def look_at(self, refs: Sequence[InstanceRef]) -> None:
        """Remember them; see UpstreamQueue."""
        self.refs += refs
