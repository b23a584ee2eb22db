"""OHIF in Chromium lists the studies and draws them as pydicom decodes them; the start page works without a script."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize

from client import mammography
from tests.browser.chromium import Complaints, chromium
from tests.browser.pictures import CASES, FRAMES, Grey, expected_pictures, grey_of_png, likeness, picture_file
from tests.host.archive import Archive, eventually
from tests.instances import uids

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
VIEWPORT = ViewportSize(width=1280, height=900)
LIKENESS = 0.97
UNLIKENESS = 0.6
DRAWN_MS = 60_000
_CANVASES = """() => [...document.querySelectorAll('canvas.cornerstone-canvas')]
    .filter(canvas => canvas.width > 100).map(canvas => canvas.toDataURL('image/png').split(',')[1])"""
_CENTRES = """() => [...document.querySelectorAll('canvas.cornerstone-canvas')]
    .filter(canvas => canvas.width > 100).map(canvas => canvas.getBoundingClientRect())
    .map(place => [place.x + place.width / 2, place.y + place.height / 2])"""
_PREVIEWS = "() => [...document.images].filter(image => image.complete && image.naturalWidth > 1).length"
_STUDIES = len(CASES) + 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a running browser."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(archive: Archive) -> str:
    """Give the address of an archive that holds a study of each kind."""
    assert archive.app.has_viewer, "the viewer is not installed: make viewer"
    images = archive.container("images")
    for name in CASES:
        await images.upload_blob(f"{name}.dcm", picture_file(name))
    for name, file in mammography.case_files(seed=1):
        await images.upload_blob(name, file)

    async def all_are_found() -> bool:
        studies = await archive.search("studies")
        counts = [study["00201208"]["Value"][0] for study in studies]
        return sorted(counts) == [1] * len(CASES) + [4]

    await eventually(all_are_found)
    ARTIFACTS.mkdir(exist_ok=True)
    return archive.app.url


async def canvases(page: Page) -> list[Grey]:
    """Return what the viewports have drawn."""
    return [grey_of_png(base64.b64decode(text)) for text in await page.evaluate(_CANVASES)]


async def drawn(page: Page, expected: Grey) -> float:
    """Wait until some viewport has drawn a picture; return how like it is at last, at best."""
    best = 0.0
    for _ in range(DRAWN_MS // 500):
        best = max(
            [0.0, *(likeness(expected, canvas) for canvas in await canvases(page) if canvas.std() > 0)]
        )
        if best > LIKENESS:
            break
        await page.wait_for_timeout(500)
    return best


async def test_the_viewer_lists_the_studies(browser: Browser, url: str) -> None:
    """Every one, with its patient, and without a complaint in the console."""
    page = await browser.new_page(viewport=VIEWPORT)
    complaints = Complaints()
    complaints.listen(page)
    await page.goto(f"{url}/viewer/")
    await page.get_by_text("SYNTHETIC, CASE").wait_for(timeout=DRAWN_MS)
    await page.screenshot(path=ARTIFACTS / "viewer-studies.png")
    text = await page.inner_text("body")
    await page.close()

    assert f"of {_STUDIES}" in text
    assert [
        name
        for name in (f"Patient{uids(8000 + n)[0].rsplit('.', 1)[1]}" for n in range(len(CASES)))
        if name not in text
    ] == []
    assert complaints.errors == []


@pytest.mark.parametrize("name", CASES)
async def test_the_viewer_draws_what_pydicom_decodes(browser: Browser, url: str, name: str) -> None:
    """In the file's window; and the picture of another study would not pass for it."""
    file = picture_file(name)
    study = uids(8000 + list(CASES).index(name))[0]
    page = await browser.new_page(viewport=VIEWPORT)
    complaints = Complaints()
    complaints.listen(page)
    await page.goto(f"{url}/viewer/viewer?StudyInstanceUIDs={study}")
    pictures = expected_pictures(file)
    alike = await drawn(page, pictures[0])
    await page.screenshot(path=ARTIFACTS / f"viewer-{name}.png")
    others = [other for other in CASES if other != name]
    unlike = [
        likeness(expected_pictures(picture_file(other))[0], canvas)
        for other in others
        for canvas in await canvases(page)
    ]
    await page.close()

    assert alike > LIKENESS
    assert max(unlike) < UNLIKENESS
    assert complaints.errors == []


async def test_the_viewer_draws_every_frame(browser: Browser, url: str) -> None:
    """Of a multi-frame instance: the arrow key leads through them."""
    study = uids(8000 + list(CASES).index("multi-frame"))[0]
    pictures = expected_pictures(picture_file("multi-frame"))
    page = await browser.new_page(viewport=VIEWPORT)
    await page.goto(f"{url}/viewer/viewer?StudyInstanceUIDs={study}")
    alike = []
    for picture in pictures:
        alike.append(await drawn(page, picture))
        await page.keyboard.press("ArrowDown")
    await page.screenshot(path=ARTIFACTS / "viewer-multi-frame-last.png")
    await page.close()

    assert len(pictures) == FRAMES
    assert min(alike) > LIKENESS


async def test_the_viewer_hangs_a_mammogram(browser: Browser, url: str) -> None:
    """Two by two as radiologists read it: right on the left and left on the right, back to back, CC above MLO."""
    files = [file for _, file in mammography.case_files(seed=1)]
    left_cc, left_mlo, right_cc, right_mlo = (expected_pictures(file)[0] for file in files)
    places: list[tuple[Grey, Literal["left", "right"]]] = [
        (right_cc, "right"),
        (left_cc, "left"),
        (right_mlo, "right"),
        (left_mlo, "left"),
    ]
    study = mammography.study_instance_uid(seed=1)
    page = await browser.new_page(viewport=VIEWPORT)
    complaints = Complaints()
    complaints.listen(page)
    await page.goto(f"{url}/viewer/viewer?StudyInstanceUIDs={study}")
    alike: list[list[float]] = []
    for _ in range(DRAWN_MS // 500):
        shown = await canvases(page)
        alike = [
            [likeness(picture, canvas, edge) for canvas in shown if canvas.std() > 0]
            for picture, edge in places
        ]
        if len(shown) == len(places) and min(max([0.0, *row]) for row in alike) > LIKENESS:
            break
        await page.wait_for_timeout(500)
    centres = await page.evaluate(_CENTRES)
    await page.screenshot(path=ARTIFACTS / "viewer-mammogram.png")
    await page.close()

    assert [row.index(max(row)) for row in alike] == [0, 1, 2, 3], alike
    assert min(max(row) for row in alike) > LIKENESS
    assert [(x > VIEWPORT["width"] / 2, y > VIEWPORT["height"] / 2) for x, y in centres] == [
        (False, False),
        (True, False),
        (False, True),
        (True, True),
    ]
    assert complaints.errors == []


async def test_the_start_page_needs_no_script(browser: Browser, url: str) -> None:
    """Its first paint has the studies, and its form and links lead on; with a script allowed nothing complains."""
    study = mammography.study_instance_uid(seed=1)
    context = await browser.new_context(java_script_enabled=False, viewport=VIEWPORT)
    page = await context.new_page()
    complaints = Complaints()
    complaints.listen(page)
    await page.goto(f"{url}/ui")
    rows = await page.locator("tbody tr").count()

    async def all_previews_are_there() -> bool:
        return bool(await page.evaluate(_PREVIEWS) == _STUDIES)

    # The page is loaded before its previews are: those are asked for as they come near to being seen.
    await eventually(all_previews_are_there, seconds=60)
    await page.screenshot(path=ARTIFACTS / "start-page.png", full_page=True)
    await page.get_by_label("Patient name").fill("synthetic")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ui?*name=synthetic*")
    found = await page.locator("tbody tr").count()
    link = await page.get_by_role("link", name="View: MG of 2014-05-12").get_attribute("href")
    await context.close()

    assert (rows, found) == (_STUDIES, 1)
    assert link == f"/viewer/viewer?StudyInstanceUIDs={study}"
    assert complaints.errors == []
