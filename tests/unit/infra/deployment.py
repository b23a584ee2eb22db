"""A deployment in miniature: the resources that infra/main.bicep makes with a set of parameters, and none of Azure.

What only Azure knows is a text that says where it would come from, such as
`/Microsoft.ManagedIdentity/userAssignedIdentities/x#properties.clientId`. Addresses of storage are as the public cloud has them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.infra.bicep_functions import BINARY, FUNCTIONS, UNARY, fitting, resource_id, written
from tests.unit.infra.bicep_syntax import Declaration, Node, read_bicep
from tests.unit.infra.bicep_tokens import BicepError

type Value = Any


class Runtime(str):
    """A value that is known once the resource is there: its text says which."""

    __slots__ = ()


@dataclass(slots=True)
class Resource:
    """A resource as it would be asked for. *needs* are symbols that its text names, in the same file."""

    file: str
    symbol: str
    type: str
    version: str
    name: str
    parent: "Resource | None"
    scope: "Resource | None"
    body: dict[str, Value]
    needs: frozenset[str]
    is_existing: bool

    @property
    def id(self) -> str:
        """Name it as `/type/name`, the parent's before its own."""
        if self.parent is None:
            return resource_id(self.type, *self.name.split("/"))
        return f"{self.parent.id}/{self.type.rpartition('/')[2]}/{self.name}"

    def at(self, path: str) -> Value:
        """Return what stands at a path such as `properties.cors.corsRules`, None if nothing does."""
        found: Value = self.body
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found


@dataclass(slots=True)
class Deployment:
    """What is made; by their symbols, what main.bicep's modules need of each other, and of which files they consist."""

    resources: list[Resource] = field(default_factory=list)
    module_needs: dict[str, frozenset[str]] = field(default_factory=dict)
    module_files: dict[str, frozenset[str]] = field(default_factory=dict)
    parameters: dict[str, Value] = field(default_factory=dict)

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of a type that are made."""
        return [one for one in self.resources if one.type == kind]


def read_parameters(path: Path, environment: Mapping[str, str]) -> dict[str, Value]:
    """Return the values of a parameter file, with `${NAME}` replaced as azd does: by nothing if there is no such name."""
    read = json.loads(path.read_text(encoding="utf-8"))["parameters"]

    def filled(value: Value) -> Value:
        if not isinstance(value, str):
            return value
        return re.sub(r"\$\{(\w+)\}", lambda match: environment.get(match[1], ""), value)

    return {name: filled(entry["value"]) for name, entry in read.items()}


def deploy(folder: Path, parameters: Mapping[str, Value]) -> Deployment:
    """Return what `main.bicep` of *folder* makes.

    Raises:
        BicepError: It cannot be read, or names what is not there.
    """
    deployment = Deployment(parameters=dict(parameters))
    main = _File(folder / "main.bicep", parameters, deployment)
    main.make_all()
    for declaration in main.declarations:
        if declaration.keyword == "module":
            deployment.module_needs[declaration.name] = main.needs_of(declaration)
            deployment.module_files[declaration.name] = frozenset(_files_of(folder / declaration.what))
    return deployment


def _files_of(path: Path) -> Iterator[str]:
    yield path.name
    for declaration in read_bicep(path):
        if declaration.keyword == "module":
            yield from _files_of(path.parent / declaration.what)


class _File:
    def __init__(self, path: Path, parameters: Mapping[str, Value], deployment: Deployment) -> None:
        self._path = path
        self._deployment = deployment
        self.declarations = read_bicep(path)
        self._symbols = {one.name: one for one in self.declarations if one.keyword != "output"}
        self._values: dict[str, Value] = {}
        self._take_parameters(parameters)

    def _take_parameters(self, given: Mapping[str, Value]) -> None:
        own = {one.name: one for one in self.declarations if one.keyword == "param"}
        if unknown := given.keys() - own.keys():
            raise BicepError(f"{self._path.name}: has no parameter {', '.join(sorted(unknown))}")
        for name, declaration in own.items():
            if name in given:
                self._values[name] = fitting(self._path.name, declaration, given[name])
            elif declaration.body is None:
                raise BicepError(f"{self._path.name}: parameter {name} is not given")

    def make_all(self) -> dict[str, Value]:
        """Make what the file declares, and return its outputs."""
        for name in self._symbols:
            self.value(name)
        outputs = [one for one in self.declarations if one.keyword == "output" and one.body is not None]
        return {one.name: self.evaluate(_body(one), {}) for one in outputs}

    def needs_of(self, declaration: Declaration) -> frozenset[str]:
        """Return the symbols that a declaration names, itself apart."""
        return frozenset(_body(declaration).names()) & self._symbols.keys() - {declaration.name}

    def value(self, name: str) -> Value:
        """Return what a name stands for, made when it is asked for."""
        if name not in self._values:
            if name not in self._symbols:
                raise BicepError(f"{self._path.name}: {name} is not declared")
            declaration = self._symbols[name]
            self._values[name] = None  # a cycle ends here, as the semantic checks of others report
            if declaration.keyword in ("resource", "module"):
                self._values[name] = self._each(declaration, _body(declaration), {})
            else:
                self._values[name] = self.evaluate(_body(declaration), {})
        return self._values[name]

    def _each(self, declaration: Declaration, node: Node, names: Mapping[str, Value]) -> Value:
        if node.kind == "for":
            return [
                self._each(declaration, node.parts[1], {**names, **one}) for one in self._turns(node, names)
            ]
        is_made = True
        if node.kind == "if":
            is_made = bool(self.evaluate(node.parts[0], names))
            node = node.parts[1]
        if declaration.keyword == "module":
            return self._module(declaration, node, names) if is_made else None
        resource = self._resource(declaration, node, names)
        _ = resource.id  # who has none is told of
        if is_made and not declaration.is_existing:
            self._deployment.resources.append(resource)
        return resource

    def _module(self, declaration: Declaration, node: Node, names: Mapping[str, Value]) -> dict[str, Value]:
        body = self.evaluate(_without(node, "dependsOn", "scope"), names)
        inner = _File(self._path.parent / declaration.what, body.get("params", {}), self._deployment)
        return {"outputs": inner.make_all(), "name": body.get("name")}

    def _resource(self, declaration: Declaration, node: Node, names: Mapping[str, Value]) -> Resource:
        body = self.evaluate(_without(node, "dependsOn"), names)
        kind, _, version = declaration.what.partition("@")
        return Resource(
            file=self._path.name,
            symbol=declaration.name,
            type=kind,
            version=version,
            name=str(body.get("name")),
            parent=body.pop("parent", None),
            scope=body.pop("scope", None),
            body=body,
            needs=self.needs_of(declaration),
            is_existing=declaration.is_existing,
        )

    def _turns(self, node: Node, names: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
        item, _, index = str(node.value).partition(",")
        for at, one in enumerate(self.evaluate(node.parts[0], names)):
            yield {item: one, index: at}

    def evaluate(self, node: Node, names: Mapping[str, Value]) -> Value:
        """Return the value of an expression; *names* are those of the loops around it."""
        if node.kind == "value":
            return node.value
        if node.kind == "name":
            name = str(node.value)
            return names[name] if name in names else self.value(name)
        if node.kind == "choice":
            condition, first, second = node.parts
            return self.evaluate(first if self.evaluate(condition, names) else second, names)
        if node.kind == "for":
            return [self.evaluate(node.parts[1], {**names, **one}) for one in self._turns(node, names)]
        if node.kind == "binary" and node.value in ("&&", "||"):
            left = bool(self.evaluate(node.parts[0], names))
            return bool(self.evaluate(node.parts[1], names)) if left == (node.value == "&&") else left
        return self._operation(node, [self.evaluate(part, names) for part in node.parts])

    def _operation(self, node: Node, values: list[Value]) -> Value:
        match node.kind:
            case "list":
                return values
            case "object":
                return dict(zip(values[::2], values[1::2], strict=True))
            case "text":
                return "".join(map(written, values))
            case "member":
                return self._member(values[0], str(node.value))
            case "index":
                return values[0][values[1]]
        table = {"call": FUNCTIONS, "unary": UNARY, "binary": BINARY}[node.kind]
        if node.value not in table:
            raise BicepError(f"{self._path.name}: {node.value} is not in the dialect of this reader")
        return table[node.value](*values)

    def _member(self, whole: Value, name: str) -> Value:
        if isinstance(whole, Resource):
            own = {"id": whole.id, "name": whole.name}
            return own[name] if name in own else Runtime(f"{whole.id}#{name}")
        if isinstance(whole, Runtime) and whole.endswith("#properties.primaryEndpoints"):
            account = whole.partition("#")[0].rpartition("/")[2]
            return f"https://{account}.{name}.core.windows.net/"
        if isinstance(whole, Runtime):
            return Runtime(f"{whole}.{name}")
        if isinstance(whole, dict) and name in whole:
            return whole[name]
        raise BicepError(f"{self._path.name}: there is no {name} in what is asked for it")


def _body(declaration: Declaration) -> Node:
    return declaration.body if declaration.body is not None else Node("value", None)


def _without(node: Node, *keys: str) -> Node:
    pairs = zip(node.parts[::2], node.parts[1::2], strict=True)
    # A resource's scope is another resource; a module's is a resource group, which says nothing here.
    return Node("object", None, tuple(one for pair in pairs if pair[0].value not in keys for one in pair))
