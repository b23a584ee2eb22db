"""host.json: the values that behaviour hangs on, whatever else the schema allows."""

import json
from typing import Any

from client.app import FOLDER

HOST: dict[str, Any] = json.loads((FOLDER / "host.json").read_text())


def test_routes_have_no_prefix() -> None:
    """DICOMweb roots stand at /dicomweb, not /api/dicomweb."""
    assert HOST["extensions"]["http"]["routePrefix"] == ""


def test_a_failed_message_waits_before_it_is_tried_again() -> None:
    """Five tries span a minute: with the default of no delay a short outage would poison everything."""
    queues = HOST["extensions"]["queues"]
    hours, minutes, seconds = map(int, queues["visibilityTimeout"].split(":"))
    delay = 3600 * hours + 60 * minutes + seconds

    assert (queues["maxDequeueCount"] - 1) * delay >= 60


def test_queues_speak_base64() -> None:
    """Event Grid writes base64; anything else goes to poison unread."""
    assert HOST["extensions"]["queues"]["messageEncoding"] == "base64"


def test_the_bundle_is_the_current_major_version() -> None:
    """The range is the one Microsoft documents; a narrower one is not found on some hosts."""
    assert HOST["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.0.0, 5.0.0)",
    }
