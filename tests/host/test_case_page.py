"""The page of a case in Chromium: what it draws, mouse, keys and sliders, and what is left of it without a script."""

import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from azure.data.tables.aio import TableClient
from numpy.typing import NDArray
from playwright.async_api import Browser, Page, ViewportSize
from pydicom import dcmread
from pydicom.uid import BreastTomosynthesisImageStorage

from client import mammography
from tests.browser.chromium import Complaints, chromium
from tests.browser.hung import canvas_of, difference, states, windowed
from tests.host.archive import Archive, eventually
from tests.instances import a_dataset, part10

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

VIEWPORT = ViewportSize(width=1280, height=900)
HUNG = ("R__CC", "L__CC", "R__MLO", "L__MLO")
CENTER, WIDTH = 1600, 2800
ALIKE, UNLIKE = 0.01, 0.05
ROWS, COLUMNS = 240, 180
STEP = 0.01 * 4095
"""By which a key moves center or width: a part of the range of 12 bits."""
COMPLETE, ODD = "2014/S0000001", "2015/S7"


def hills(number: int) -> NDArray[np.int64]:
    """Draw 12-bit values that are unlike their mirror image and those of another number."""
    chosen = np.random.default_rng(number)
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    picture = np.zeros((ROWS, COLUMNS))
    for _ in range(9):
        row, column = chosen.uniform(0, ROWS), chosen.uniform(0, COLUMNS)
        picture += chosen.uniform(0.3, 1) * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 800)
    scaled: NDArray[np.int64] = (picture / picture.max() * 4000).astype(np.int64)
    return scaled


def mammogram(number: int, pixels: NDArray[Any], **attributes: Any) -> bytes:
    """Return a file of 16 bits allocated and 12 stored, shown by the window of 12 bits."""
    return part10(
        a_dataset(
            number,
            Modality="MG",
            Rows=ROWS,
            Columns=COLUMNS,
            BitsAllocated=16,
            BitsStored=12,
            HighBit=11,
            WindowCenter=2048,
            WindowWidth=4096,
            PixelData=pixels.tobytes(),
            **attributes,
        )
    )


def odd_case() -> dict[str, bytes]:
    """Return the files of a case that lacks its left MLO view, and has no two views of one kind."""
    padded = hills(1).astype("<u2")
    padded[:30] = 4095
    frames = np.stack([hills(number) for number in (10, 11, 12)]).astype("<u2")
    return {
        "R__CC": mammogram(
            9001,
            padded[:, ::-1],
            PhotometricInterpretation="MONOCHROME1",
            PixelPaddingValue=4095,
            PatientOrientation=["A", "L"],
        ),
        "L__CC": mammogram(
            9002,
            (hills(2) - 2048).astype("<i2"),
            PixelRepresentation=1,
            RescaleSlope=1,
            RescaleIntercept=2048,
            PatientOrientation=["A", "R"],
        ),
        "R__MLO": mammogram(
            9003,
            frames,
            NumberOfFrames=3,
            SOPClassUID=BreastTomosynthesisImageStorage,
            PatientOrientation=["P", "F"],
        ),
    }


def odd_grey(view: str, center: float, width: float) -> NDArray[np.float64]:
    """Return what a view of the odd case shows, as it hangs."""
    if view == "R__CC":
        inverted = 1 - windowed(hills(1), center, width)
        inverted[:30] = 0
        return inverted
    return windowed(hills(2 if view == "L__CC" else 11), center, width)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a running browser."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cases(archive: Archive) -> str:
    """Give the address of an archive's cases, of which there are two."""
    images = archive.container("images")
    for name, file in mammography.case_files(seed=1):
        await images.upload_blob(name, file)
    for view, file in odd_case().items():
        await images.upload_blob(f"mg/{ODD}/{view}/1.dcm", file)
    async with TableClient.from_connection_string(archive.azurite.connection_string, "report") as reports:
        year, case_id = COMPLETE.split("/")
        values = {"id": case_id, "year": year, "report": mammography.REPORT}
        await reports.upsert_entity({"PartitionKey": year, "RowKey": case_id, **values})

    async def all_are_found() -> bool:
        missing = []
        for case in (COMPLETE, ODD):
            async with archive.session.get(f"{archive.app.url}/cases/{case}") as answer:
                missing.append((await answer.json())["missing"] if answer.status == 200 else None)
        return missing == [[], ["L__MLO", "report"]]

    await eventually(all_are_found)
    return f"{archive.app.url}/cases"


@pytest.fixture(scope="module")
def values() -> dict[str, NDArray[Any]]:
    """Return the stored values of the complete case, as pydicom reads them."""
    return {
        name.split("/")[3]: dcmread(io.BytesIO(file)).pixel_array
        for name, file in mammography.case_files(seed=1)
    }


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a page, of which nothing may complain at the end."""
    opened = await browser.new_page(viewport=VIEWPORT)
    complaints = Complaints()
    complaints.listen(opened)
    yield opened
    await opened.close()
    assert complaints.errors == []


async def drawn(page: Page, count: int, says: Callable[[str], bool] = bool) -> dict[str, str]:
    """Wait until so many views say something; return what."""
    said: dict[str, str] = {}

    async def all_say_it() -> bool:
        said.clear()
        said.update(await states(page))
        return len(said) == count and all(map(says, said.values()))

    await eventually(all_say_it, seconds=60)
    return said


def says_window(center: float, width: float) -> Callable[[str], bool]:
    """Return what tells whether a view says that it shows this window."""
    text = f"C {center:g}  W {width:g} "
    return lambda said: said.startswith(text)


async def test_four_pictures_are_drawn_right_breast_left(
    page: Page, cases: str, values: dict[str, NDArray[Any]]
) -> None:
    """As pydicom decodes them, in the file's window; no other view would pass for one. The report stands beside."""
    await page.goto(f"{cases}/{COMPLETE}")
    await drawn(page, 4)
    canvases = {view: await canvas_of(page, view) for view in HUNG}
    apart = {
        (view, shown): difference(
            windowed(values[view], CENTER, WIDTH), canvases[shown], at_right=shown.startswith("R")
        )
        for view in HUNG
        for shown in HUNG
    }
    places = {view: await page.locator(f"[data-view={view}] .stage").bounding_box() for view in HUNG}
    right, left, below = (places[view] for view in ("R__CC", "L__CC", "R__MLO"))
    report = await page.get_by_role("region", name="Report").bounding_box()

    assert max(apart[view, view] for view in HUNG) < ALIKE
    assert min(apart[view, shown] for view in HUNG for shown in HUNG if view != shown) > UNLIKE
    assert right is not None
    assert left is not None
    assert below is not None
    assert report is not None
    assert right["x"] + right["width"] == pytest.approx(left["x"], abs=1)
    assert below["y"] >= right["y"] + right["height"]
    assert report["x"] >= left["x"] + left["width"]
    assert mammography.REPORT in await page.inner_text("aside")


_FOCUSED = """() => { const one = document.activeElement;
    const named = [...(one.labels?.[0] ?? one).childNodes].find(node => node.nodeType === Node.TEXT_NODE);
    return one.getAttribute('aria-label') ?? named.textContent.trim() }"""


async def test_all_of_it_is_done_by_keys(page: Page, cases: str, values: dict[str, NDArray[Any]]) -> None:
    """Tab leads through links, tools and views in the order that they are seen; arrows change the window."""
    await page.goto(f"{cases}/{COMPLETE}")
    await drawn(page, 4)
    order = []
    for _ in range(17):
        await page.keyboard.press("Tab")
        order.append(await page.evaluate(_FOCUSED))
    assert order == [
        *("Cases", "Studies", "JSON", "Download ZIP"),
        *("Window", "Center", "Width", "All views", "Invert", "Zoom out", "Zoom in", "1:1", "Reset"),
        *("Right CC", "Left CC", "Right MLO", "Left MLO"),
    ]

    for _ in range(10):
        await page.keyboard.press("ArrowUp")
    for _ in range(20):
        await page.keyboard.press("ArrowLeft")
    center, width = CENTER, WIDTH
    for _ in range(10):
        center = round(center + STEP)
    for _ in range(20):
        width = round(width - STEP)
    await drawn(page, 4, says_window(center, width))
    shown = {view: await canvas_of(page, view) for view in HUNG}
    apart = {
        view: difference(windowed(values[view], center, width), shown[view], at_right=view.startswith("R"))
        for view in HUNG
    }
    before = difference(windowed(values["L__MLO"], CENTER, WIDTH), shown["L__MLO"], at_right=False)
    assert max(apart.values()) < ALIKE
    assert before > 2 * apart["L__MLO"]

    await page.keyboard.press("i")
    await drawn(page, 4, lambda said: "inverted" in said)
    inverted = 1 - windowed(values["R__CC"], center, width)
    canvas = await canvas_of(page, "R__CC")
    columns = round(canvas.shape[0] / inverted.shape[0] * inverted.shape[1])
    assert difference(inverted, canvas[:, -columns:], at_right=True) < ALIKE

    await page.keyboard.press("r")
    await drawn(page, 4, lambda said: said.startswith("As stored"))
    assert "inverted" not in "".join((await states(page)).values())


async def test_keys_zoom_and_move_one_view(page: Page, cases: str) -> None:
    """And fit it again; the others stay."""
    await page.goto(f"{cases}/{COMPLETE}")
    first = await drawn(page, 4)
    whole = await canvas_of(page, "L__CC")
    await page.get_by_label("Left CC", exact=True).focus()
    for key in ("+", "+", "Shift+ArrowRight", "Shift+ArrowDown"):
        await page.keyboard.press(key)

    async def is_zoomed() -> bool:
        return (await states(page))["L__CC"] != first["L__CC"]

    await eventually(is_zoomed)
    assert difference(whole, await canvas_of(page, "L__CC"), at_right=False) > UNLIKE
    assert {view for view, said in (await states(page)).items() if said != first[view]} == {"L__CC"}
    await page.keyboard.press("f")

    async def is_whole() -> bool:
        return difference(whole, await canvas_of(page, "L__CC"), at_right=False) < 0.001

    await eventually(is_whole)


async def test_mouse_and_sliders_change_the_window(
    page: Page, cases: str, values: dict[str, NDArray[Any]]
) -> None:
    """A drag of one view alone, where that is wanted; the wheel zooms."""
    await page.goto(f"{cases}/{COMPLETE}")
    await drawn(page, 4)
    await page.get_by_label("Center").fill("1200")
    await drawn(page, 4, says_window(1200, WIDTH))
    await page.get_by_label("All views").uncheck()
    await page.locator("[data-view=R__MLO] .stage").hover()
    await page.mouse.down()
    box = await page.locator("[data-view=R__MLO] .stage").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 - 80, steps=5)
    await page.mouse.up()

    async def has_changed() -> bool:
        return not says_window(1200, WIDTH)((await states(page))["R__MLO"])

    await eventually(has_changed)
    said = await states(page)
    assert all(says_window(1200, WIDTH)(said[view]) for view in ("R__CC", "L__CC", "L__MLO"))
    words = said["R__MLO"].split()
    center, width = float(words[1]), float(words[3])
    assert center > 1200
    assert width > WIDTH
    canvas = await canvas_of(page, "R__MLO")
    assert difference(windowed(values["R__MLO"], center, width), canvas, at_right=True) < ALIKE

    await page.mouse.wheel(0, -600)

    async def is_zoomed() -> bool:
        return (await states(page))["R__MLO"] != said["R__MLO"]

    await eventually(is_zoomed)


@pytest.mark.parametrize("view", ["R__CC", "L__CC", "R__MLO"])
async def test_images_of_every_kind_are_drawn_as_the_standard_asks(page: Page, cases: str, view: str) -> None:
    """Inverted, padded and flipped; signed with a rescale; the middle frame of a tomosynthesis: stored and windowed."""
    await page.goto(f"{cases}/{ODD}")
    await drawn(page, 3)
    is_right = view.startswith("R")
    as_stored = difference(odd_grey(view, 2048, 4096), await canvas_of(page, view), at_right=is_right)
    await page.get_by_label("Width").fill("2000")
    said = await drawn(page, 3, says_window(2048, 2000))
    changed = difference(odd_grey(view, 2048, 2000), await canvas_of(page, view), at_right=is_right)
    mirrored = difference(odd_grey(view, 2048, 2000)[:, ::-1], await canvas_of(page, view), at_right=is_right)

    assert (as_stored < ALIKE, changed < ALIKE, mirrored > UNLIKE) == (True, True, True)
    assert ("frame 2/3" in said[view]) == (view == "R__MLO")
    assert "Missing: Left MLO, report" in await page.inner_text("header")
    assert "Left MLO is missing" in await page.inner_text("main")


async def test_frames_are_led_through(page: Page, cases: str) -> None:
    """By Page Down, window and all."""
    await page.goto(f"{cases}/{ODD}")
    await drawn(page, 3)
    await page.get_by_label("Right MLO", exact=True).focus()
    await page.keyboard.press("ArrowRight")
    await drawn(page, 3, lambda said: said.startswith("C "))
    await page.keyboard.press("PageDown")

    async def is_the_third() -> bool:
        if "frame 3/3" not in (await states(page))["R__MLO"]:
            return False
        words = (await states(page))["R__MLO"].split()
        expected = windowed(hills(12), float(words[1]), float(words[3]))
        return difference(expected, await canvas_of(page, "R__MLO"), at_right=True) < ALIKE

    await eventually(is_the_third)


async def test_without_a_script_there_are_pictures_and_report(browser: Browser, cases: str) -> None:
    """And no tools that would do nothing."""
    context = await browser.new_context(java_script_enabled=False, viewport=VIEWPORT)
    page = await context.new_page()
    complaints = Complaints()
    complaints.listen(page)
    await page.goto(f"{cases}/{COMPLETE}")
    sizes = await page.evaluate(
        "() => [...document.images].map(one => [one.naturalWidth, one.naturalHeight])"
    )
    tools = await page.locator("#tools").is_visible()
    report = await page.inner_text("aside")
    await context.close()

    assert sizes == [[1024, 1280]] * 4
    assert not tools
    assert mammography.REPORT in report
    assert complaints.errors == []
