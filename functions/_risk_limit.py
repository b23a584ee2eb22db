"""Read from the settings which instances are kept out for their risk."""

from typing import Final

from shared.dicom.risk.rules import RiskLevel
from shared.flows._risk_policy import RiskPolicy
from shared.settings.settings import Settings

_LEVELS: Final = {"low": RiskLevel.LOW, "medium": RiskLevel.MEDIUM, "high": RiskLevel.HIGH}


def risk_policy(settings: Settings) -> RiskPolicy:
    """Return what is kept out, and where it is held."""
    held = settings.quarantine_container if settings.risk_action == "quarantine" else None
    return RiskPolicy(_LEVELS.get(settings.risk_limit), held)
