"""The page of a clinical case as HTML: escaped, of values it is handed. It looks nothing up.

Without a script it shows the four pictures and the report; the script in `assets` adds window, zoom and keys.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final
from urllib.parse import quote

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self';"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}
"""Scripts and styles come from this app's files only, no copy is kept, and no address is passed on."""

HUNG: Final = ("R__CC", "L__CC", "R__MLO", "L__MLO")
"""The views as they hang, row by row: the right breast on the left of the screen, its chest wall in the middle."""

_ROOT: Final = "../../"
"""Of the app, as seen from the page; so it works below any path."""
_SIDES: Final = {"R": "Right", "L": "Left"}
_FOR_SCRIPT: Final = (
    "rows",
    "columns",
    "number_of_frames",
    "frame_number",
    "flip_horizontally",
    "flip_vertically",
    "presets",
    "values",
)

type Json = Mapping[str, Any]


def case_page(case: Json) -> str:
    """Return the page of a case, as get_case gives it."""
    views: Mapping[str, Json] = case["views"]
    name = f"Case {escape(case['id'])}"
    hung = "\n".join(_figure(view, views.get(view), case) for view in HUNG)
    others = "\n".join(_figure(view, views[view], case) for view in views if view not in HUNG)
    more = f'<div class="views more">{others}</div>' if others else ""
    body = f"""<header>
<h1>{name} <span>{escape(case["year"])}</span></h1>
{_missing(case["missing"])}
<nav aria-label="Case"><a href="{_ROOT}cases">Cases</a><a href="{_ROOT}ui">Studies</a><a href="{_case(case)}?accept=application/json">JSON</a>\
<a href="{_case(case)}?accept=application/zip" download>Download ZIP</a></nav>
</header>
<div class="work">
<main aria-label="Images">
{_TOOLS}
<div class="views">
{hung}
</div>
{more}
</main>
<aside>
{_report(case["report"])}
{_table(case)}
{_HELP}
</aside>
</div>
<script type="module" src="{_ROOT}ui/case.js"></script>"""
    return document(f"{name}, {escape(case['year'])}", body)


def problem_page(title: str, detail: str, *, root: str = _ROOT) -> str:
    """Return a page that says why there is none; *root* leads from it to the app's."""
    body = f"""<main class="problem" role="alert">
<h1>{escape(title)}</h1>
<p>{escape(detail[:1].upper() + detail[1:])}.</p>
<p><a href="{root}cases">Cases</a></p>
</main>"""
    return document(escape(title), body, root=root)


def document(title: str, body: str, *, root: str = _ROOT) -> str:
    """Return a whole page. Its title is HTML already, as its body is; *root* leads from it to the app's."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<title>{title} - dicom-functions</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}ui/case.css">
</head>
<body>
{body}
</body>
</html>
"""


def _case(case: Json) -> str:
    """Return the case's address relative to its page."""
    return escape(quote(case["id"], safe=""))


def spoken(view: str) -> str:
    """Return the name of a view in words, such as "Right CC"."""
    side, _, position = view.partition("__")
    return f"{_SIDES.get(side, side)} {position}".strip()


def _missing(missing: Sequence[str]) -> str:
    if not missing:
        return '<p class="complete">Complete</p>'
    named = ", ".join(escape(part if part == "report" else spoken(part)) for part in missing)
    return f'<p class="missing" role="status"><strong>Missing:</strong> {named}</p>'


def _figure(view: str, image: Json | None, case: Json) -> str:
    name, side = escape(spoken(view)), "right" if view.startswith("R") else "left"
    if image is None or image["picture"] is None:
        said = "is missing" if image is None else "has no picture"
        return f'<figure class="view {side} empty"><p>{name} {said}</p></figure>'
    picture = f"{_case(case)}/views/{escape(quote(view, safe=''))}"
    flips = [name for name in ("flip_horizontally", "flip_vertically") if image[name]]
    for_script = {key: image[key] for key in _FOR_SCRIPT} | {"picture": picture, "frames": _frames(image)}
    return f"""<figure class="view {side}" data-view="{escape(view)}" data-image="{_json(for_script)}">
<div class="stage" aria-label="{name}"><img class="{" ".join(flips)}" src="{picture}" alt="{name} mammogram" \
width="{image["columns"]:.0f}" height="{image["rows"]:.0f}"></div>
<figcaption>{escape(view.replace("__", " "))}</figcaption>
<output class="state"></output>
</figure>"""


def _json(value: Any) -> str:
    import orjson

    return escape(orjson.dumps(value).decode())


def _frames(image: Json) -> str:
    """Return the address below which the stored values of each frame are."""
    study, series, instance = (
        quote(image[f"{level}_instance_uid"], safe="") for level in ("study", "series", "sop")
    )
    return f"{_ROOT}dicomweb/studies/{study}/series/{series}/instances/{instance}/frames/"


def _report(report: str | None) -> str:
    text = '<p class="none">There is no report.</p>' if report is None else f"<p>{escape(report)}</p>"
    return f'<section class="report" aria-labelledby="report"><h2 id="report">Report</h2>{text}</section>'


def _table(case: Json) -> str:
    views = [*(view for view in HUNG if view in case["views"]), *sorted(set(case["views"]) - set(HUNG))]
    images = [case["views"][view] for view in views]
    if not images:
        return ""
    rows = "\n".join(_row(image, case) for image in images)
    copies = "".join(
        f'<li>{escape(spoken(image["view"]))}: <a href="{escape(image["picture"] or image["url"])}">{escape(image["name"])}</a></li>'
        for image in case["duplicates"]
    )
    further = (
        f"<h3>Further images of these views</h3><p>Shown is the first by name.</p><ul>{copies}</ul>"
        if copies
        else ""
    )
    return f"""<section aria-labelledby="images"><h2 id="images">Images</h2>
<table>
<thead><tr><th scope="col">View</th><th scope="col">Size</th><th scope="col">Spacing</th><th scope="col">Open</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
{further}</section>"""


def _row(image: Json, case: Json) -> str:
    name = escape(spoken(image["view"]))
    size = f"{image['columns']:.0f} &times; {image['rows']:.0f}" if image["rows"] and image["columns"] else ""
    spacing = image["pixel_spacing"]
    sides = dict.fromkeys(f"{float(side):g}" for side in spacing or ())
    shown = " &times; ".join(sides) + " mm" if sides else ""
    picture = f"{_case(case)}/views/{escape(quote(image['view'], safe=''))}"
    links = [("Metadata", f"{_frames(image).removesuffix('frames/')}metadata")] if image["served"] else []
    if image["picture"] is not None:
        links = [("PNG", picture), *links]
        if image["presets"] or image["values"]:
            links.insert(1, ("16 bit", f"{picture}?bits=16"))
    opened = " ".join(f'<a href="{where}" aria-label="{what} of {name}">{what}</a>' for what, where in links)
    short = escape(image["view"].replace("__", " "))
    return f'<tr><th scope="row">{short}</th><td>{size}</td><td>{shown}</td><td>{opened}</td></tr>'


_TOOLS: Final = """<form id="tools" aria-label="Display" hidden>
<label for="preset">Window<select id="preset"><option value="">As stored</option>\
<option value="own" disabled hidden>Changed</option></select></label>
<label for="center">Center <output id="center-shown"></output><input id="center" type="range"></label>
<label for="width">Width <output id="width-shown"></output><input id="width" type="range" min="1"></label>
<label class="check"><input id="all" type="checkbox" checked>All views</label>
<label class="check"><input id="invert" type="checkbox">Invert</label>
<span class="buttons"><button type="button" id="zoom-out" aria-label="Zoom out">&minus;</button>
<button type="button" id="zoom-in" aria-label="Zoom in">+</button>
<button type="button" id="actual">1:1</button>
<button type="button" id="reset">Reset</button></span>
</form>"""

_HELP: Final = """<details class="help" id="help" open hidden><summary>Mouse and keys</summary>
<dl>
<dt>Drag</dt><dd>window: up and down the center, left and right the width</dd>
<dt>Shift and drag, right button</dt><dd>move the image</dd>
<dt>Wheel, <kbd>+</kbd> <kbd>-</kbd></dt><dd>zoom; a double click fits the image again</dd>
<dt><kbd>&uarr;</kbd> <kbd>&darr;</kbd> <kbd>&larr;</kbd> <kbd>&rarr;</kbd></dt><dd>window, of the view that Tab leads to</dd>
<dt><kbd>Shift</kbd> and arrows</dt><dd>move the image</dd>
<dt><kbd>PgUp</kbd> <kbd>PgDn</kbd></dt><dd>frames of a tomosynthesis</dd>
<dt><kbd>i</kbd> <kbd>f</kbd> <kbd>1</kbd> <kbd>r</kbd></dt><dd>invert, fit, actual size, reset</dd>
</dl></details>"""
