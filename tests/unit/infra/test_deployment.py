"""A deployment in miniature makes of Bicep what Bicep means: the checks of infra/ stand on it."""

from pathlib import Path
from typing import Any

import pytest
import tree_sitter_bicep
from tree_sitter import Language, Parser

from tests.unit.infra.bicep_syntax import read_bicep
from tests.unit.infra.bicep_tokens import BicepError
from tests.unit.infra.deployment import deploy
from tests.unit.infra.infrastructure import ROOT

_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}


def value_of(folder: Path, expression: str, before: str = "") -> Any:
    """Return what a resource's property is made of an expression."""
    text = f"{before}\nresource one 'Some.Provider/things@2020-01-01' = {{\n  name: 'one'\n  value: {expression}\n}}\n"
    (folder / "main.bicep").write_text(text)
    return deploy(folder, {}).resources[-1].at("value")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a${1 + 2 * 3}b'", "a7b"),
        ("'it\\'s ${true} ${'in ${'depth'}'}'", "it's true in depth"),
        ("(1 + 2) * 3", 9),
        ("1 < 2 && !empty('') ? 'yes' : 'no'", "no"),
        ("empty('') ? (false ? 1 : 2) : 3", 2),
        ("1 == 1 ? [\n  1\n] : []", [1]),
        ("{ a: { 'b c': 1 } }.a['b c']", 1),
        ("[for (one, i) in ['x', 'y']: '${one}${i}']", ["x0", "y1"]),
        ("concat([1], [2, 3])[2]", 3),
        ("union({ a: 1 }, { a: 2, b: 3 })", {"a": 2, "b": 3}),
        ("'''\nas it ${stands}\n'''", "as it ${stands}\n"),
        ("take('https://x/', length('https://x/') - 1)", "https://x"),
        ("-1 // a comment, with 'quotes'", -1),
    ],
)
def test_expressions_have_their_value(expression: str, value: object, tmp_path: Path) -> None:
    """Precedence, choices, loops, texts within texts, objects, lists and comments."""
    assert value_of(tmp_path, expression) == value


def test_what_is_not_chosen_is_not_made(tmp_path: Path) -> None:
    """Conditions hold for single resources and in loops, and a choice does not look at the other side."""
    text = """
    param on bool = false
    resource a 'P/as@2020-01-01' = if (on) {
      name: 'a'
    }
    resource bs 'P/bs@2020-01-01' = [for n in [1, 2, 3]: if (n > 1) {
      name: 'b${n}'
      value: on ? nothing.there : n
    }]
    """
    (tmp_path / "main.bicep").write_text(text)

    made = deploy(tmp_path, {}).resources
    assert [(one.name, one.at("value")) for one in made] == [("b2", 2), ("b3", 3)]


def test_ids_and_what_only_azure_knows_name_their_source(tmp_path: Path) -> None:
    """A child's id has its parent's before it; a property of a resource says whose it is."""
    text = """
    resource account 'P/accounts@2020-01-01' = {
      name: 'x'
    }
    resource child 'P/accounts/children@2020-01-01' = {
      parent: account
      name: 'y'
      value: '${account.properties.secret.part}'
    }
    """
    (tmp_path / "main.bicep").write_text(text)

    child = deploy(tmp_path, {}).resources[1]
    assert child.id == "/P/accounts/x/children/y"
    assert child.at("value") == "/P/accounts/x#properties.secret.part"
    assert child.needs == {"account"}


@pytest.mark.parametrize(
    "text",
    [
        "var a = b",
        "var a = {",
        "var a = 'x",
        "var a = 1 2",
        "var a = lambda(x => x)",
        "func a() string => 'x'",
        "param a string",
        "param a int = 1\nvar b = a.length",
        "module a 'none.bicep' = {\n  name: 'a'\n}",
        "resource a 'P/as/bs@2020-01-01' = {\n  name: 'a'\n}",
        "var a = thereIsNone(1)",
    ],
)
def test_what_is_not_understood_is_an_error(text: str, tmp_path: Path) -> None:
    """Nothing is passed over: a check that looked at half of a template would prove nothing."""
    (tmp_path / "main.bicep").write_text(text)

    with pytest.raises(BicepError):
        deploy(tmp_path, {})


@pytest.mark.parametrize("path", sorted((ROOT / "infra").rglob("*.bicep")), ids=lambda path: path.name)
def test_reader_sees_the_declarations_that_another_parser_sees(path: Path) -> None:
    """None is lost on the way."""
    root = Parser(Language(tree_sitter_bicep.language())).parse(path.read_bytes()).root_node

    seen = [_KINDS[node.type] for node in root.named_children if node.type in _KINDS]
    assert [one.keyword for one in read_bicep(path) if one.keyword != "targetScope"] == seen
