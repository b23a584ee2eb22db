"""Pages of other origins: only those that are set may read answers, and only they are told what they may send."""

import pytest

from functions import _wiring
from shared.errors import SettingsError
from shared.settings.settings import load_settings
from tests.unit.functions.service import Service

VIEWER = "https://viewer.example"


@pytest.fixture
def origins(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Allow the viewer's origin and one with a port."""
    monkeypatch.setenv("DICOM_CORS_ORIGINS", f"{VIEWER}, http://localhost:3000")
    _wiring.settings.cache_clear()
    return monkeypatch


@pytest.fixture(autouse=True)
def _fresh_settings() -> object:
    _wiring.settings.cache_clear()
    yield
    _wiring.settings.cache_clear()


@pytest.mark.usefixtures("origins")
@pytest.mark.parametrize("origin", [VIEWER, "http://localhost:3000"])
async def test_an_allowed_origin_may_read_an_answer_and_its_headers(service: Service, origin: str) -> None:
    """Also the headers that DICOMweb clients page and cache by."""
    answer = await service.search("", origin=origin)
    assert answer.headers["access-control-allow-origin"] == origin
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"X-Total-Count", "Warning", "ETag", "Content-Range", "Content-Location"} <= set(exposed)
    assert answer.headers["vary"] == "Origin"


@pytest.mark.usefixtures("origins")
async def test_an_error_can_be_read_too(service: Service) -> None:
    """Else a script learns nothing of what went wrong."""
    answer = await service.search("NoSuchAttribute=1", origin=VIEWER)
    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] == VIEWER


@pytest.mark.usefixtures("origins")
@pytest.mark.parametrize("origin", ["https://evil.example", "https://viewer.example.evil.example", "null"])
async def test_another_origin_may_not(service: Service, origin: str) -> None:
    """Not one that only looks alike either; a cache is told that answers differ."""
    answer = await service.search("", origin=origin)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_nobody_may_unless_it_is_set(service: Service) -> None:
    """The default."""
    answer = await service.search("", origin=VIEWER)
    assert not {name for name in answer.headers if name.startswith("access-control")}


@pytest.mark.usefixtures("origins")
async def test_a_preflight_tells_methods_and_headers(service: Service) -> None:
    """As a browser asks before a STOW request."""
    headers = {"origin": VIEWER, "access-control-request-method": "POST"}
    answer = await service.call("preflight", "/dicomweb/studies", method="OPTIONS", headers=headers)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == VIEWER
    assert {"GET", "POST", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    allowed = {name.lower() for name in answer.headers["access-control-allow-headers"].split(", ")}
    assert {"accept", "content-type", "range", "if-none-match", "x-functions-key"} <= allowed


@pytest.mark.usefixtures("origins")
async def test_a_preflight_tells_another_origin_nothing(service: Service) -> None:
    """Its browser then refuses the request."""
    answer = await service.call("preflight", method="OPTIONS", headers={"origin": "https://evil.example"})
    assert answer.status == 204
    assert not {name for name in answer.headers if name.startswith("access-control")}


async def test_all_origins_may_be_allowed(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is then the same for all, and says so."""
    monkeypatch.setenv("DICOM_CORS_ORIGINS", "*")
    answer = await service.search("", origin="https://any.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "vary" not in answer.headers


@pytest.mark.parametrize(
    "value", ["viewer.example", "https://viewer.example/", "https://viewer.example/path"]
)
def test_what_is_no_origin_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A setting that could never match is found at start."""
    monkeypatch.setenv("DICOM_CORS_ORIGINS", value)
    with pytest.raises(SettingsError, match="without a path"):
        load_settings()
