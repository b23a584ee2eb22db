"""Find the images and the report of one clinical case. Reads no object and lists nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import CaseNotFoundError, IncompleteCaseError, InstanceNotFoundError
from shared.flows._case_name import VIEWS
from shared.flows._in_parallel import in_parallel
from shared.ports.archive import InstanceIndex
from shared.ports.cases import CaseIndex, Reports
from shared.records import CaseImage, InstanceRecord

_CONCURRENT: Final = 8


@dataclass(frozen=True, slots=True)
class CasePorts:
    """What a case is put together from."""

    cases: CaseIndex
    reports: Reports
    index: InstanceIndex


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of a case, and the record of its instance."""

    image: CaseImage
    record: InstanceRecord
    served: bool = True
    """Whether its object, or what replaced it on purpose, is what DICOMweb serves for its UIDs."""


@dataclass(frozen=True, slots=True)
class FoundCase:
    """A case: of each view the image that is shown, further images, the report if there is one."""

    year: str
    case_id: str
    views: dict[str, FoundImage]
    duplicates: Sequence[FoundImage]
    report: str | None

    @property
    def missing(self) -> list[str]:
        """Name the views, and the report, that the case lacks."""
        lacking = [view for view in VIEWS if view not in self.views]
        return lacking + (["report"] if self.report is None else [])

    def check(self, *, strict: bool) -> None:
        """Refuse a case that is none, or with *strict* one that lacks anything.

        Raises:
            CaseNotFoundError: There is no image and no report.
            IncompleteCaseError: Something is missing; the message names it.
        """
        lacks = f"lacks {', '.join(self.missing)}"
        if not self.views and self.report is None:
            raise CaseNotFoundError(f"there is no such case: it {lacks}")
        if strict and self.missing:
            raise IncompleteCaseError(f"the case {lacks}; ask without strict for what there is")


async def find_case(year: int | str, case_id: str, ports: CasePorts) -> FoundCase:
    """Return the case of exactly this year and id, which may be empty.

    Of several images of one view the first by object name is shown.
    """
    report = await ports.reports.get(str(year), case_id)
    found = await _find(await ports.cases.images_of(str(year), case_id), ports.index)
    views: dict[str, FoundImage] = {}
    for one in found:
        views.setdefault(one.image.view, one)
    duplicates = [one for one in found if one is not views[one.image.view]]
    return FoundCase(str(year), case_id, views, duplicates, report)


async def find_view(year: int | str, case_id: str, view: str, ports: CasePorts) -> FoundImage:
    """Return the image that is shown of one view. The report is not asked for.

    Raises:
        CaseNotFoundError: There is none.
    """
    images = [image for image in await ports.cases.images_of(str(year), case_id) if image.view == view]
    found = await _find(images, ports.index)
    if not found:
        raise CaseNotFoundError(f"there is no such view of such a case; views are {', '.join(VIEWS)}")
    return found[0]


async def _find(images: Sequence[CaseImage], index: InstanceIndex) -> list[FoundImage]:
    """Return those whose instance is there; one may have just gone."""

    async def record_of(image: CaseImage) -> FoundImage | None:
        try:
            serving = await index.get(image.ref)
        except InstanceNotFoundError:
            return None
        if serving.location.key == image.key or serving.generation:
            return FoundImage(image, serving)
        return await _spare(image, index)

    found = await in_parallel(record_of, images, limit=_CONCURRENT)
    return [one for one in found if one is not None]


async def _spare(image: CaseImage, index: InstanceIndex) -> FoundImage | None:
    """Return an image whose UIDs another object serves too: what that one shows may be of another patient."""
    async for record in index.versions_of(image.ref):
        if record.location.key == image.key:
            return FoundImage(image, record, served=False)
    return None
