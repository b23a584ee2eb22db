"""Render one view of a clinical case as a PNG."""

from dataclasses import dataclass

from shared.errors import NotAcceptableError
from shared.flows._case_images import CasePorts, find_view
from shared.flows._case_pictures import pictures_of
from shared.flows._renderable import Kind, kind_of
from shared.flows._stored_image import read_stored_image
from shared.pixels.view_parameters import ViewParameters
from shared.ports.archive import ObjectStore
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class CaseView:
    """Which view of which case: year as number or text, view such as "L__CC"."""

    year: int | str
    case_id: str
    view: str


@flow
async def render_case_view(
    wanted: CaseView, parameters: ViewParameters, *, ports: CasePorts, objects: ObjectStore
) -> bytes:
    """Return a view as a PNG. Its object is read once, and once more for each large lookup table it needs.

    Args:
        wanted: The view.
        parameters: How it is to be rendered, and which frame.
        ports: Where to look.
        objects: Where the image lies.

    Raises:
        CaseNotFoundError: There is no such view.
        NotAcceptableError: It is no image, or there is no decoder for it.
        FrameOutOfRangeError: It has no such frame.
        InvalidRequestError: A parameter of the rendering does not fit the image.
        DamagedDicomError: It cannot be decoded.
    """
    record = (await find_view(wanted.year, wanted.case_id, wanted.view, ports)).record
    if kind_of(record) is not Kind.IMAGE:
        raise NotAcceptableError("the view holds no image that can be shown; retrieve its instance instead")
    rendering, frame_number = parameters
    stored = await read_stored_image(objects, record, frame_number, every_preset=bool(rendering.preset))
    [picture] = await pictures_of(stored, [rendering])
    return picture
