"""The viewer's folder is made of OHIF's build: everything that named the root names /viewer/."""

import json
from pathlib import Path

import pytest

from client.errors import ClientError
from client.viewer.site import make_site

VIEWER = Path(__file__).parents[2] / "client" / "viewer"
BUILD = {
    "index.html": '<script>window.PUBLIC_URL="/"</script><script src="/app.bundle.0f.js"></script>',
    "app.bundle.0f.js": '__webpack_require__.p = "/"',
    "89.bundle.b3.js": "RMLO = {constraint: {doesNotContain: ['P', 'FL']}}",
    "app.bundle.css": "@font-face{src:url(/a.woff2)}",
    "manifest.json": '{"src": "/assets/icon.png"}',
    "app-config.js": "window.config = {a: 'demo server'}",
    "app.bundle.0f.js.map": "{}",
    "sw.js": "importScripts('https://elsewhere.example/workbox.js')",
}


def a_build(folder: Path, **changed: str) -> Path:
    """Write a build like OHIF's."""
    folder.mkdir()
    for name, text in (BUILD | changed).items():
        (folder / name).write_text(text)
    return folder


def test_all_that_named_the_root_names_the_base_path(tmp_path: Path) -> None:
    """Page, scripts, fonts and icons are asked for below /viewer/."""
    site = tmp_path / "site"
    make_site(a_build(tmp_path / "dist"), site)

    assert {file.name: file.read_text() for file in site.iterdir() if file.name != "app-config.js"} == {
        "index.html": '<script>window.PUBLIC_URL="/viewer/"</script><script src="/viewer/app.bundle.0f.js"></script>',
        "app.bundle.0f.js": '__webpack_require__.p = "/viewer/"',
        "89.bundle.b3.js": "RMLO = {constraint: {doesNotEqual: ['A', 'FR']}}",
        "app.bundle.css": "@font-face{src:url(/viewer/a.woff2)}",
        "manifest.json": '{"src": "/viewer/assets/icon.png"}',
    }
    assert (site / "app-config.js").read_bytes() == (VIEWER / "app-config.js").read_bytes()


def test_a_site_of_before_is_replaced(tmp_path: Path) -> None:
    """No file of an older version stays."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "old.js").touch()
    make_site(a_build(tmp_path / "dist"), site)

    assert not (site / "old.js").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [("app.bundle.0f.js", '__webpack_require__.p="/"'), ("89.bundle.b3.js", "doesNotContain:['P','FL']")],
)
def test_a_build_that_changed_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """A new version whose root path or mammogram rule is written otherwise does not pass for installed."""
    build = a_build(tmp_path / "dist", **{name: text})

    with pytest.raises(ClientError, match=r"client/viewer/site\.py"):
        make_site(build, tmp_path / "site")


def test_a_package_without_build_is_refused(tmp_path: Path) -> None:
    """The message says which folder is empty."""
    with pytest.raises(ClientError, match=r"no index\.html"):
        make_site(tmp_path, tmp_path / "site")


def test_the_lock_file_pins_the_package_by_its_hash() -> None:
    """And names no registry."""
    text = (VIEWER / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    wanted = json.loads((VIEWER / "package.json").read_text())["dependencies"]

    assert packages[""]["dependencies"] == wanted
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(packages[f"node_modules/{name}"]["integrity"].startswith("sha512-") for name in wanted)
    assert "://" not in text
