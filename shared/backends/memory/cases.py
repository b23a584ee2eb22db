"""Images by clinical case in a dictionary. Does not read reports."""

from __future__ import annotations

from shared.records import CaseImage, ObjectKey


class MemoryCaseIndex:
    """A CaseIndex."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str, str, ObjectKey], CaseImage] = {}

    async def put(self, image: CaseImage) -> None:
        """Remember an image; one per case, view and object."""
        self._images[image.year, image.case_id, image.view, image.key] = image

    async def remove(self, year: str, case_id: str, view: str, key: ObjectKey) -> None:
        """Forget an image; that it is unknown is no error."""
        self._images.pop((year, case_id, view, key), None)

    async def images_of(self, year: str, case_id: str) -> list[CaseImage]:
        """Return the images of exactly this case, by (view, object name)."""
        images = [image for image in self._images.values() if (image.year, image.case_id) == (year, case_id)]
        return sorted(images, key=lambda image: (image.view, image.key.name, image.key.container))
