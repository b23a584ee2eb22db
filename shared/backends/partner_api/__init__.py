"""PartnerApi over HTTP, by requests and tenacity."""

from shared.backends.partner_api.partner import HttpPartnerApi, PartnerOptions

__all__ = ["HttpPartnerApi", "PartnerOptions"]
