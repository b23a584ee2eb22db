"""What the product says of de-identification: what was done, never that a law is satisfied or nobody can be found."""

import ast
import itertools
import json
import re
from pathlib import Path

import pytest

from functions._openapi.document import openapi_document
from shared.dicom.deidentification.profile import FILTERS, Option, Profile, combine
from tests.instances import an_instance
from tests.unit.dicom.deidentification.canaries import rewritten

ROOT = Path(__file__).parents[2]
CLAIMS = re.compile(r"anonym|(?:hipaa|gdpr)\W{0,3}(?:is\W)?(?:complian|conform)|complian\w*\W{1,3}(?:with|to)\W{1,3}(?:hipaa|gdpr)", re.IGNORECASE)  # fmt: skip
ACCESS = {"function_app.py", "shared/settings/access.py", "client/app.py", "client/start.py"}
"""Where "anonymous" is how callers without a key are called."""
PLACEHOLDERS = "shared/dicom/deidentification/identifiers.py"
"""What others write in place of a name is known here, so that it is not searched for."""
MODULES = [
    ROOT / "function_app.py",
    *(path for folder in ("functions", "shared", "client") for path in sorted((ROOT / folder).rglob("*.py"))),
]


def spoken(path: Path) -> list[str]:
    """Return the strings of a module, but for what documents it."""
    tree = ast.parse(path.read_text())
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_of_the_product_claims_it(path: Path) -> None:
    """Messages, help, reports and pages are made of the strings of its modules."""
    name = str(path.relative_to(ROOT))
    claims = [text for text in spoken(path) if CLAIMS.search(text)]

    if name in ACCESS:
        claims = [text for text in claims if not re.fullmatch(r"anonymous|DICOM_ACCESS=anonymous .*", text)]
    if name == PLACEHOLDERS:
        claims = [text for text in claims if not re.fullmatch("anonymi?[sz]?e?d?|anonymous", text)]
    assert claims == []


def test_neither_assets_nor_documents_claim_it() -> None:
    """Nor does the description of the interface; the documents call DICOM_ACCESS by its value only."""
    texts = [path.read_text() for path in (ROOT / "functions" / "assets").iterdir()]
    texts += [json.dumps(openapi_document("http://x", ["/dicomweb"], needs_key=True))]
    for path in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")):
        texts.append(path.read_text().replace("`anonymous`", ""))

    assert [CLAIMS.findall(text) for text in texts] == [[]] * len(texts)


PROFILES = [
    Profile(),
    Profile(options=frozenset(set(Option) - {Option.RETAIN_FULL_DATES})),
    *(combine(names) for count in (1, 2, 3) for names in itertools.combinations(FILTERS, count)),
]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
async def test_no_file_claims_it(profile: Profile) -> None:
    """Each says the profile that it was written by, in 64 characters a value, and no more."""
    out, made = await rewritten(an_instance(1, PatientName="Doe^Jane"), profile)
    said = [change.rule for change in made.report.changes]

    assert CLAIMS.search(out.decode("latin-1")) is None
    assert [rule for rule in said if CLAIMS.search(rule)] == []
    assert all(len(text) <= 64 for text in profile.method)
