"""A clinical case in an archive in memory: small mammograms, and a count of what is asked of the ports."""

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation

from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from tests.unit.flows.builders import make_data_set, to_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

YEAR, CASE_ID = "2014", "S0000001"
VIEWS = ("L__CC", "L__MLO", "R__CC", "R__MLO")
ROWS, COLUMNS = 80, 64
REPORT = "BI-RADS 1.\nNothing <to> see & no more."


def values_of(view: str) -> npt.NDArray[np.uint16]:
    """Return the stored values of a view, of 12 bits, unlike those of the others."""
    chosen = np.random.default_rng(VIEWS.index(view) if view in VIEWS else 9)
    return chosen.integers(100, 4000, (ROWS, COLUMNS)).astype(np.uint16)


def a_view(view: str = "L__CC", number: int = 1, **attributes: Any) -> Dataset:
    """Return the data set of a view."""
    values = {
        "SOPClassUID": DigitalMammographyXRayImageStorageForPresentation,
        "Modality": "MG",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "WindowCenter": [2000.5, 1000.5],
        "WindowWidth": [4001, 2001],
        "WindowCenterWidthExplanation": ["Normal", "Softer"],
        "ImagerPixelSpacing": [0.07, 0.07],
        "PatientOrientation": ["P" if view.startswith("R") else "A", "F"],
        "PixelData": values_of(view).tobytes(),
        **attributes,
    }
    data_set = make_data_set(number, series=f"1.2.3.{number}", **values)
    data_set["PixelData"].VR = "OW"
    return data_set


def name_of(view: str, case_id: str = CASE_ID, year: str = YEAR) -> str:
    """Return the blob name of a view."""
    return f"mg/{year}/{case_id}/{view}/1.dcm"


async def put(service: Service, name: str, file: bytes) -> None:
    """Drop a file into the watched container."""
    key = ObjectKey("images", name)
    service.world.objects.write(key, file)
    await index_instance(key, service.world.index_ports)


async def put_case(service: Service, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Drop the files of a case, and its report unless that is left out; return the files by view."""
    files = {
        view: to_file(a_view(view, number)) for number, view in enumerate(VIEWS, 1) if view not in without
    }
    for view, file in files.items():
        await put(service, name_of(view), file)
    if "report" not in without:
        service.world.reports.texts[YEAR, CASE_ID] = REPORT
    return files


async def ask(
    service: Service, query: str = "", *, accept: str = "", year: str = YEAR, case_id: str = CASE_ID
) -> Answer:
    """Ask for a case."""
    return await service.call(
        "get_case",
        f"/cases/{year}/{case_id}?{query}",
        headers={"accept": accept} if accept else {},
        route={"year": year, "id": case_id},
    )


async def ask_view(service: Service, view: str = "L__CC", query: str = "", **headers: str) -> Answer:
    """Ask for the picture of a view."""
    return await service.call(
        "get_case_view",
        f"/cases/{YEAR}/{CASE_ID}/views/{view}?{query}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        route={"year": YEAR, "id": CASE_ID, "view": view},
    )


class Counted:
    """An adapter whose calls are noted, by the port's name and the method's."""

    def __init__(self, port: str, adapter: Any, calls: list[str]) -> None:
        self._port = port
        self._adapter = adapter
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._calls.append(f"{self._port}.{name}")
            return found(*args, **kwargs)

        return call


def count_calls(service: Service) -> list[str]:
    """Return a list to which every call of a port adds itself from now on."""
    calls: list[str] = []
    world = service.world
    for port in ("objects", "index", "ledger", "cases", "reports", "queue"):
        setattr(world, port, Counted(port, getattr(world, port), calls))
    return calls


async def settled() -> None:
    """Let tasks that were given up end."""
    await asyncio.sleep(0)
