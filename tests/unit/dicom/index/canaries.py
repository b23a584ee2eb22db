"""Data sets with a canary in everything that may tell who a patient is. Holds no tests itself."""

from __future__ import annotations

from typing import Any

from shared.dicom.risk.rules import listed

CANARY = "CANARY7F"


def attribute_of(vr: str, *values: Any) -> dict[str, Any]:
    """Return an attribute of DICOM JSON."""
    return {"vr": vr, "Value": list(values)}


def _canary_of(vr: str) -> Any:
    return {"Alphabetic": CANARY} if vr == "PN" else CANARY


def canaries_of_risk() -> dict[str, Any]:
    """Return a canary in each attribute of the risk tables, at the top, in sequences and in private elements."""
    found: dict[str, Any] = {"00091001": attribute_of("LO", CANARY), "00090010": attribute_of("LO", CANARY)}
    for rule in listed():
        tag = rule.tag.replace("x", "0")
        if not tag.startswith("0002"):
            found[tag] = attribute_of(
                "PN" if rule.category == "name" else "LO",
                _canary_of("PN" if rule.category == "name" else "LO"),
            )
    return found
