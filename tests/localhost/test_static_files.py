"""Static folders: right types, conditional requests, and nothing outside the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localhost.static_files import StaticFolders, locate

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give a folder of a small site, with a secret beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    for name in ("index.html", "app.mjs", "code.wasm", "a b.txt", "sub/index.html"):
        (site / name).write_text(name)
    (site / "link.txt").symlink_to(tmp_path / "secret.txt")
    return site


async def _get(
    folders: StaticFolders, path: str, method: str = "GET", *headers: tuple[bytes, bytes]
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    mount = folders.find(path, root=False)
    assert mount is not None
    scope = {"method": method, "path": path, "raw_path": path.encode(), "headers": list(headers)}
    await folders.serve(scope, send, mount)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "index.html"),
        ("/app.mjs", "app.mjs"),
        ("/a b.txt", "a b.txt"),
        ("/sub/", "sub/index.html"),
        ("/some/page", "index.html"),
        ("/missing.js", None),
        ("/../secret.txt", None),
        ("/sub/../../secret.txt", None),
        ("//etc/passwd.txt", None),
        ("/link.txt", None),
        ("/a\0b.txt", None),
        ("/..\\secret.txt", None),
    ],
)
def test_only_files_of_the_folder_are_found(site: Path, path: str, found: str | None) -> None:
    """A path finds its file or, without extension, the page; never a file outside, by dots or by link."""
    assert locate(site, path) == (None if found is None else site / found)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v/app.mjs", b"text/javascript; charset=utf-8"),
        ("/v/code.wasm", b"application/wasm"),
        ("/v/", b"text/html; charset=utf-8"),
    ],
)
async def test_types(site: Path, path: str, kind: bytes) -> None:
    """Modules and WebAssembly bear the types that browsers insist on."""
    status, headers, _ = await _get(StaticFolders((("/v", site),)), path)
    assert (status, headers[b"content-type"]) == (200, kind)


async def test_conditional_and_head_requests_carry_no_body(site: Path) -> None:
    """A known version is answered 304, another 200; HEAD tells the length only; other methods are refused."""
    folders = StaticFolders((("/v", site),))
    _, headers, body = await _get(folders, "/v/app.mjs")
    assert body == b"app.mjs"
    assert (await _get(folders, "/v/app.mjs", "GET", (b"if-none-match", b'"x", ' + headers[b"etag"])))[
        ::2
    ] == (304, b"")
    assert (await _get(folders, "/v/app.mjs", "GET", (b"if-none-match", b'"x"')))[0] == 200
    status, headers, body = await _get(folders, "/v/app.mjs", "HEAD")
    assert (status, headers[b"content-length"], body) == (200, b"7", b"")
    assert (await _get(folders, "/v/app.mjs", "POST"))[0] == 405
    assert (await _get(folders, "/v/missing.js"))[0] == 404


async def test_a_mount_without_slash_leads_to_the_one_with(site: Path) -> None:
    """Relative links of the page work only below the slash."""
    status, headers, _ = await _get(StaticFolders((("/a/v", site),)), "/a/v")
    assert (status, headers[b"location"]) == (308, b"v/")


def test_the_longest_mount_wins_and_the_root_is_asked_apart(site: Path) -> None:
    """A mount takes only paths below it; the one at / is for what nothing else takes."""
    folders = StaticFolders((("/", site), ("/v", site), ("/v/w", site / "sub")))
    assert folders.find("/v/w/x", root=False) == ("/v/w", site / "sub")
    assert folders.find("/v/x", root=False) == ("/v", site)
    assert folders.find("/vx", root=False) is None
    assert folders.find("/vx", root=True) == ("/", site)
