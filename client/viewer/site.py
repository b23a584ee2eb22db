"""Make a folder of static files of OHIF's build, for a base path of its own; it downloads nothing.

The build in the package is made for the root of a site. Here its few places that say so are rewritten, and one rule of
how it hangs mammograms, which costs a second; building anew would need OHIF's sources and its thousand packages.
"""

import shutil
from pathlib import Path
from typing import Final

from client.errors import ClientError

BASE_PATH: Final = "/viewer/"
_CONFIGURATION: Final = Path(__file__).with_name("app-config.js")
_LEFT_OUT: Final = ("*.map", "app-config*.js", "sw.js", "_headers", "_redirects", "serve.json")
_MAMMOGRAM_RULE: Final = ("doesNotContain: ['P', 'FL']", "doesNotEqual: ['A', 'FR']")
"""OHIF's protocol for mammograms keeps from the place of the right MLO view what has its orientation, P\\FL (PS3.3 2024e
§C.7.6.1.1.1). To be kept from it is the left one's, A\\FR, as its rule for the CC views has it."""
_REWRITTEN: Final = {
    ".html": (('="/', f'="{BASE_PATH}'),),
    ".css": (("url(/", f"url({BASE_PATH}"),),
    ".json": (('"/assets/', f'"{BASE_PATH}assets/'),),
    ".js": (('__webpack_require__.p = "/"', f'__webpack_require__.p = "{BASE_PATH}"'), _MAMMOGRAM_RULE),
}
_MUST_CHANGE: Final = ("index.html", "app.bundle.css", "app.bundle.*.js")


def make_site(build: Path, site: Path) -> None:
    """Make *site* anew of OHIF's *build*: no source maps, base path /viewer/, the archive's configuration.

    Raises:
        ClientError: The build is not as it was in the pinned version.
    """
    if not (build / "index.html").is_file():
        raise ClientError(f"{build} holds no index.html: the package @ohif/app was not installed whole")
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(build, site, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    changed = {file: found for file in site.rglob("*") if (found := _rewrite(file))}
    for pattern in _MUST_CHANGE:
        if changed.keys().isdisjoint(site.glob(pattern)):
            raise ClientError(
                f"{pattern} of OHIF's build names no root path any more. See what it does now, and change"
                " client/viewer/site.py for it"
            )
    if not any(_MAMMOGRAM_RULE in found for found in changed.values()):
        raise ClientError(
            "OHIF's protocol for mammograms has other rules now. See whether it hangs a right MLO view, and change"
            " client/viewer/site.py for it"
        )
    shutil.copyfile(_CONFIGURATION, site / _CONFIGURATION.name)


def _rewrite(file: Path) -> list[tuple[str, str]]:
    """Replace in a file what is to be replaced; return what was."""
    replacements = _REWRITTEN.get(file.suffix, ())
    text = file.read_bytes() if replacements else b""
    found = [(old, new) for old, new in replacements if old.encode() in text]
    for old, new in found:
        text = text.replace(old.encode(), new.encode())
    if found:
        file.write_bytes(text)
    return found
