"""Write to a file what the app, as it is deployed, expects of its surroundings, as JSON; nothing of it is listed here.

Run in a process of its own, with the app's settings as environment: `python -m tests.unit.infra.declared_by_app FILE`.
Functions are what Microsoft's worker reports. Queues and tables are those whose clients the services ask for while they
are made, and what GET /health/check looks at; containers and further tables are what settings name.
"""

import ast
import asyncio
import base64
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from localhost.worker import Worker
from shared.backends import azure_probes
from shared.backends.azure_table.tables import Tables
from shared.services import services
from shared.services.connection_check import check_connections
from shared.settings.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]


async def main() -> None:
    """Index the app, make its services without a network, and write what they ask for."""
    worker = Worker(ROOT)
    functions = await worker.start()
    reported = {
        function.name: [json.loads(binding) for binding in function.raw_bindings] for function in functions
    }
    await worker.stop()
    settings = load_settings()
    named = await _asked_for(settings)
    for name in await _looked_at(settings):
        kind, _, what = name.partition(" ")
        named[kind].add(what)
    named["table"] |= _table_constants() | {getattr(settings, name) for name in _fields("_table")}
    for name in _fields("_container"):
        named["container"].add(getattr(settings, name))
    declared = {"functions": reported, **{f"{kind}s": sorted(names) for kind, names in named.items()}}
    Path(sys.argv[1]).write_text(json.dumps(declared, indent=1, sort_keys=True))


def _fields(ending: str) -> list[str]:
    return [name for name in Settings.model_fields if name.endswith(ending)]


async def _looked_at(settings: Settings) -> set[str]:
    seen: set[str] = set()

    async def answers_of(probes: dict[str, Any], _seconds: float) -> dict[str, str]:
        seen.update(probes)
        return {}

    azure_probes.answers_of = answers_of  # type: ignore[assignment]  # it stands in, and notes what it is asked
    await check_connections(settings)
    return seen


async def _asked_for(settings: Settings) -> dict[str, set[str]]:
    """Return names by kind: queue, table, container."""
    asked: dict[str, set[str]] = {"queue": set(), "table": set(), "container": set()}

    def note(kind: str) -> Any:
        def client(name: str) -> SimpleNamespace:
            asked[kind].add(name)
            return SimpleNamespace()

        return client

    async def close() -> None:
        pass

    recorder = SimpleNamespace(
        close=close,
        get_queue_client=note("queue"),
        get_table_client=note("table"),
        get_container_client=note("container"),
    )

    async def get(_self: Tables, table: str, *_: Any, **__: Any) -> dict[str, str]:
        asked["table"].add(table)
        return {"secret": base64.b64encode(bytes(32)).decode()}

    services.azure_clients = lambda _: (recorder,) * 5  # type: ignore[attr-defined,assignment,return-value]  # they note names
    Tables.get = get  # type: ignore[assignment,method-assign]  # the same
    made = await services.build(settings)
    await made.close()
    return asked


def _table_constants() -> set[str]:
    """Return the texts that modules of the table backend call TABLE, or something that ends so."""
    found = set()
    for path in (ROOT / "shared/backends/azure_table").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if (
                isinstance(value, ast.Constant)
                and isinstance(value.value, str)
                and any(isinstance(one, ast.Name) and one.id.endswith("TABLE") for one in targets)
            ):
                found.add(value.value)
    return found


asyncio.run(main())
