"""The layout that ARCHITECTURE.md promises."""

import ast
from pathlib import Path

import pytest

from shared import errors

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for folder in ("functions", "shared", "localhost", "client")
    for path in (ROOT / folder).rglob("*.py")
)
BANNED = {"utils", "helpers", "common", "core", "base", "misc"}


def relative(path: Path) -> str:
    """Return a module's path from the root, for the names of tests."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module_is_short_and_says_what_it_is(path: Path) -> None:
    """Under 300 lines, with a docstring, under a name that means something."""
    text = path.read_text()

    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text))
    assert path.stem.strip("_") not in BANNED


FLOWS = [path for path in MODULES if path.parent.name == "flows" and not path.stem.startswith("_")]


@pytest.mark.parametrize("path", FLOWS, ids=relative)
def test_flow_has_one_public_function_named_as_its_file(path: Path) -> None:
    """The listing of the folder is the table of what the product does."""
    functions = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]

    assert functions == [path.stem]


CATCHING_ALL = {"functions/_http.py", "functions/_events.py"}


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[-2] != "localhost"], ids=relative)
def test_only_the_edges_catch_everything(path: Path) -> None:
    """`except Exception` hides what is wrong, but for the two places that turn it into an answer."""
    caught = {
        node.type.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name)
    }

    assert "Exception" not in caught or relative(path) in CATCHING_ALL


def test_every_error_is_in_the_drawn_tree() -> None:
    """The docstring of errors.py shows each class, and each says what it means."""
    tree = errors.__doc__ or ""
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.AppError)
    ]

    assert [error.__name__ for error in classes if error.__name__ not in tree] == []
    assert all(error.__doc__ for error in classes)


TAKEN_OF_PYDICOM = {
    "pydicom.charset",
    "pydicom.datadict",
    "pydicom.encaps",
    "pydicom.pixels",
    "pydicom.sr._concepts_dict",
    "pydicom.valuerep",
}
FLAT = {"shared/dicom/deidentification/known_devices.py": {"pydicom.dataelem", "pydicom.dataset"}}
"""What the library deid asks for, it asks of a data set: one of a few short texts, without sequences."""
RECURSING = {"remove_private_tags", "walk", "dcmread", "dcmwrite", "iterall", "save_as"}
PRODUCT = [path for path in MODULES if path.relative_to(ROOT).parts[0] in ("functions", "shared")]


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_no_data_set_of_pydicom_is_made(path: Path) -> None:
    """A file of 800 bytes makes its `walk`, `str` and writer take gigabytes: only its tables and codecs are used."""
    tree = ast.parse(path.read_text())
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = node.module == "pydicom"
            imported |= {f"pydicom.{alias.name}" for alias in node.names} if whole else {node.module or ""}
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }

    assert {name for name in imported if name.split(".")[0] == "pydicom"} <= (
        TAKEN_OF_PYDICOM | FLAT.get(str(path.relative_to(ROOT)), set())
    )
    assert called.isdisjoint(RECURSING)
