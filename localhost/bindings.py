"""What the functions of an app are bound to; what this host cannot serve is refused here, before anything runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from localhost.errors import StartError

TRIGGERS = ("httpTrigger", "queueTrigger", "blobTrigger", "timerTrigger")
OUTPUTS = ("http", "queue")


@dataclass(frozen=True)
class Function:
    """One indexed function: its id in the runtime, its trigger and its outputs as function.json would hold them."""

    name: str
    function_id: str
    trigger: dict[str, Any]
    outputs: tuple[dict[str, Any], ...] = field(default=())

    @property
    def kind(self) -> str:
        """The trigger's type, for example `httpTrigger`."""
        return str(self.trigger["type"])

    @property
    def parameter(self) -> str:
        """The name of the trigger's parameter in Python."""
        return str(self.trigger["name"])

    @property
    def takes_sdk_client(self) -> bool:
        """Whether the trigger's parameter is a client of the storage SDK, which needs no content."""
        return bool(self.trigger.get("properties", {}).get("SupportsDeferredBinding"))


def read_functions(metadata: list[Any]) -> list[Function]:
    """Read the runtime's function metadata.

    Raises:
        StartError: Some function has a binding that this host does not serve; all of them are named.
    """
    functions, refused = [], []
    for item in metadata:
        bindings = [json.loads(text) for text in item.raw_bindings]
        refused += [f"  {item.name}: {reason}" for reason in map(_refusal, bindings) if reason]
        triggers = [binding for binding in bindings if binding["type"] in TRIGGERS]
        if len(triggers) == 1:
            outputs = tuple(binding for binding in bindings if binding not in triggers)
            functions.append(Function(item.name, item.function_id, triggers[0], outputs))
        elif not refused:
            refused.append(f"  {item.name}: has {len(triggers)} triggers, must have one")
    if refused:
        served = f"localhost serves {', '.join(TRIGGERS)} and outputs {', '.join(OUTPUTS)}"
        raise StartError("\n".join(["these bindings cannot run here:", *refused, served]))
    return functions


def _refusal(binding: dict[str, Any]) -> str | None:
    kind, direction = str(binding.get("type")), str(binding.get("direction", "IN")).upper()
    if kind == "blobTrigger" and str(binding.get("source", "")).lower() == "eventgrid":
        return "blobTrigger with source EventGrid needs Event Grid; use LogsAndContainerScan on this machine"
    if kind in TRIGGERS and direction == "IN":
        return None
    if kind in OUTPUTS and direction == "OUT":
        return None
    if kind.lower().endswith("trigger"):
        return f"trigger {kind}"
    return f"binding {kind} ({'output' if direction == 'OUT' else 'input'})"
