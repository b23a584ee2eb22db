"""Checks of the files themselves: syntax, dialect, host.json, and what azd and the command line deploy."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import tree_sitter_bicep
from jsonschema import Draft7Validator
from pycep import BicepParser
from tree_sitter import Language, Node, Parser

from shared.settings.settings import Settings
from tests.unit.infra.bicep_syntax import read_bicep
from tests.unit.infra.bicep_tokens import BicepError
from tests.unit.infra.infrastructure import AZD, Infrastructure, the_app

MAX_LINES: Final = 300
_SCHEMA: Final = Path(__file__).parent / "host.schema.json"
_DEPLOYED: Final = (
    "function_app.py",
    "host.json",
    "requirements.txt",
    "functions/http_health.py",
    "functions/assets/case.js",
    "functions/_openapi/document.py",
    "shared/settings/settings.py",
    "shared/backends/elasticsearch/client.py",
)
_KEPT_BACK: Final = (
    "tests/conftest.py",
    "client/__main__.py",
    "bench/__main__.py",
    "localhost/worker.py",
    "docs/deploying.md",
    "infra/main.bicep",
    "azure.yaml",
    "README.md",
    "requirements-dev.txt",
    "requirements-pixels.txt",
    "requirements.in",
    "local.settings.json",
    "local.settings.sample.json",
    ".azure/archive/.env",
    ".env",
    ".git/config",
    ".gitignore",
    ".venv/bin/python",
    ".tools/installed",
    ".data/azurite",
    ".ci/run",
    "artifacts/test.log",
    "node_modules/azurite/package.json",
    "Makefile",
    "pyproject.toml",
    "package-lock.json",
    "shared/__pycache__/settings.cpython-313.pyc",
)


@functools.cache
def _parsers_say(source: str) -> tuple[str, ...]:
    """Return what two public parsers have against a template."""
    problems = []
    root = Parser(Language(tree_sitter_bicep.language())).parse(source.encode()).root_node
    if (wrong := _first_error(root)) is not None:
        problems.append(f"line {wrong.start_point[0] + 1}: cannot be read by tree-sitter-bicep")
    try:
        BicepParser().parse(text=source)
    except Exception as error:  # noqa: BLE001  # pycep raises what its own parser generator has
        problems.append(f"cannot be read by pycep: {str(error).splitlines()[0]}")
    return tuple(problems)


def _first_error(node: Node) -> Node | None:
    if node.is_error or node.is_missing:
        return node
    return next((found for child in node.children if (found := _first_error(child)) is not None), None)


def templates_can_be_read(infra: Infrastructure) -> Iterator[str]:
    """By two public parsers and by the reader of these tests, in plain resources, under 300 lines a file."""
    for path in sorted((infra.folder / "infra").rglob("*.bicep")):
        source = path.read_text(encoding="utf-8")
        yield from (f"{path.name}: {problem}" for problem in _parsers_say(source))
        if source.count("\n") >= MAX_LINES:
            yield f"{path.name}: has {source.count('\n')} lines; a module has less than {MAX_LINES}"
        for word in ("'br/", "'br:", "'ts:", "deployer(", "extension ", "import "):
            if any(word in line.partition("//")[0] for line in source.splitlines()):
                yield f"{path.name}: {word.strip()} is outside of the dialect that can be checked without Azure"
        if re.search(r"https?://[^'$]*\.(windows\.net|azure\.com)", source):
            yield f"{path.name}: takes an address for granted; endpoints differ between clouds"
    try:
        _ = infra.deployments
    except BicepError as error:
        yield str(error)


def every_module_is_used(infra: Infrastructure) -> Iterator[str]:
    """With every option nothing of infra/ is left over."""
    reached = {"main.bicep"}.union(*infra.everything.module_files.values())
    made = {one.file for one in infra.everything.resources}
    for path in sorted((infra.folder / "infra").rglob("*.bicep")):
        has_resources = any(one.keyword == "resource" for one in read_bicep(path))
        if path.name not in (made if has_resources else reached):
            yield f"{path.name}: no option makes anything of it"


def parameter_files_agree(infra: Infrastructure) -> Iterator[str]:
    """The files for small and large take the same from azd, and no secret stands in them."""
    taken = {}
    for name in ("main", "large"):
        parameters = infra.json_of(f"infra/{name}.parameters.json")["parameters"]
        taken[name] = {key: one["value"] for key, one in parameters.items() if "${" in str(one["value"])}
        for secret in ("elasticsearchApiKey", "deidentifySecret"):
            if not str(parameters.get(secret, {}).get("value", "${")).startswith("${"):
                yield f"infra/{name}.parameters.json: {secret} stands in the file; take it from azd's environment"
    if taken["main"] != taken["large"]:
        yield "infra/large.parameters.json must take the same from azd's environment as infra/main.parameters.json"
    small, large = infra.deployments["small"].parameters, infra.deployments["large"].parameters
    for key in ("instanceMemoryMB", "maximumInstanceCount", "httpConcurrency", "dailyCapGb"):
        if not small[key] < large[key]:
            yield f"{key} of large.parameters.json must be more than that of main.parameters.json"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key is set twice")
    return dict(pairs)


def host_json_is_valid(infra: Infrastructure) -> Iterator[str]:
    """By its schema, and by what the schema leaves open."""
    try:
        host = json.loads((infra.folder / "host.json").read_text(), object_pairs_hook=_unique)
    except ValueError as error:
        yield f"host.json: {error}"
        return
    definitions = json.loads(_SCHEMA.read_text())["definitions"]
    schema = {"$ref": "#/definitions/version-2", "definitions": definitions}
    for wrong in Draft7Validator(schema).iter_errors(host):
        yield f"host.json: {'.'.join(map(str, wrong.absolute_path))}: {wrong.message[:200]}"
    for place, is_right, why in _HOST:
        value: Any = host
        for key in place.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if not is_right(value):
            yield f"host.json: {place} is {value!r}: {why}"


_HOST: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    (
        "extensionBundle.id",
        lambda value: value == "Microsoft.Azure.Functions.ExtensionBundle",
        "no other has it",
    ),
    ("extensionBundle.version", lambda value: value == "[4.0.0, 5.0.0)", "a narrower range is not found"),
    (
        "extensions.queues.visibilityTimeout",
        lambda value: value is not None and value >= "00:00:15",
        "it is the delay after a failure: 15 s at least, or five tries are over in a second",
    ),
    (
        "extensions.queues.messageEncoding",
        lambda value: value in (None, "base64"),
        "Event Grid and the app write base64",
    ),
    (
        "extensions.queues.batchSize",
        lambda value: value is not None and 1 <= value <= 8,
        "an instance has one or two cores, and one value serves every queue: 8 at most",
    ),
    (
        "extensions.queues.newBatchThreshold",
        lambda value: value is not None and 0 <= value <= 8,
        "the platform scales by it and batchSize: it must be set, 8 at most",
    ),
    (
        "extensions.queues.maxPollingInterval",
        lambda value: value is not None and value <= "00:00:05",
        "a new blob waits that long: 5 s at most",
    ),
    ("extensions.queues.maxDequeueCount", lambda value: value == 5, "the alerts and docs say five tries"),
    ("extensions.blobs.maxDequeueCount", lambda value: value is None, "the option is poisonBlobThreshold"),
    ("extensions.http.routePrefix", lambda value: value == "", "DICOMweb's roots are the app's own"),
    (
        "telemetryMode",
        lambda value: value == "OpenTelemetry",
        "else the host sends on what the app logs, which the app sends itself",
    ),
    ("functionTimeout", lambda value: value == "00:10:00", "the app's own deadlines keep to ten minutes"),
)


def azd_finds_the_app(infra: Infrastructure) -> Iterator[str]:
    """azure.yaml names the service that the app's tag names, and the templates."""
    lines = (infra.folder / "azure.yaml").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    for line in (
        "  path: infra",
        "  module: main",
        "    project: .",
        "    language: python",
        "    host: function",
    ):
        if line not in text.splitlines():
            yield f"azure.yaml: '{line.strip()}' is missing"
    services = re.findall(r"^  (\w+):$", text.partition("services:\n")[2], re.MULTILINE)
    for name, deployment in infra.deployments.items():
        tags = the_app(deployment).at("tags")
        if services != [tags.get("azd-service-name")]:
            yield f"{name}: azure.yaml has the services {services}; the app's tag says {tags.get('azd-service-name')}"
        group = deployment.of_type("Microsoft.Resources/resourceGroups")[0]
        if group.at("tags") != {"azd-env-name": AZD["AZURE_ENV_NAME"]}:
            yield f"{name}: main.bicep: azd finds the resource group by its tag azd-env-name"


def package_holds_the_app(infra: Infrastructure) -> Iterator[str]:
    """.funcignore keeps back what is not the app, and nothing of the app."""
    patterns = [
        line.rstrip("/")
        for line in (infra.folder / ".funcignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]

    def is_ignored(path: str) -> bool:
        return any(fnmatch(part, pattern) for part in path.split("/") for pattern in patterns)

    for path in _DEPLOYED:
        if is_ignored(path):
            yield f".funcignore keeps back {path}, which the app needs"
    for path in _KEPT_BACK:
        if not is_ignored(path):
            yield f".funcignore lets {path} into the package"


def sample_settings_are_known(infra: Infrastructure) -> Iterator[str]:
    """local.settings.sample.json runs the app on Azurite, by names that there are."""
    values = infra.json_of("local.settings.sample.json")["Values"]
    known = {f"DICOM_{name}".upper() for name in Settings.model_fields}
    for name in values:
        if name.startswith("DICOM_") and name not in known:
            yield f"local.settings.sample.json: {name} is no setting"
    for name, value in {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "DicomStorage": "UseDevelopmentStorage=true",
        "DICOM_ACCESS": "anonymous",
    }.items():
        if values.get(name) != value:
            yield f"local.settings.sample.json: {name} must be {value}"
