"""The operations on the ledger, as data."""

from typing import Final

from functions._openapi.operations import JSON, Operation

LEDGER: Final = (
    Operation(
        "drift_report",
        "/ledger",
        "Tell what reconciling has found: the pass on its way, and the last one",
        {200: (JSON,)},
        role="admin",
    ),
    Operation(
        "reindex_now",
        "/ledger/reindex",
        "Go on with reconciling, or begin; 202 says that the same request goes on",
        {200: (JSON,), 202: (JSON,)},
        method="post",
        parameters=("seconds", "restart", "force"),
        failures=(400,),
        role="admin",
    ),
    Operation(
        "ledger_of_instance",
        "/ledger/{uid}",
        "Tell which objects hold a SOP instance, and what became of them",
        {200: (JSON,)},
        parameters=("in-partition",),
        failures=(400, 404),
    ),
    Operation(
        "ledger_of_object",
        "/ledger/{container}/{name}",
        "Tell where an object is, its state and why, and whose bytes it holds",
        {200: (JSON,)},
        parameters=("in-partition",),
        failures=(400, 404),
    ),
    Operation(
        "poison_list",
        "/poison",
        "List the messages that were given up, and why",
        {200: (JSON,)},
        parameters=("queue", "after", "limit"),
        failures=(400,),
        role="admin",
    ),
    Operation(
        "poison_replay_all",
        "/poison/{queue}",
        "Send the messages of a queue again that were given up",
        {200: (JSON,)},
        method="post",
        failures=(404,),
        role="admin",
    ),
    Operation(
        "poison_replay",
        "/poison/{queue}/{name}",
        "Send a message again that was given up",
        {200: (JSON,)},
        method="post",
        failures=(404,),
        role="admin",
    ),
)
"""Beside the DICOMweb service."""
