"""Settings of the audit trail. Writes none."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class AuditSettings(BaseSettings):
    """Where it is written that somebody has read, written or removed a patient's data. It cannot be turned off."""

    audit: Literal["log", "container"] = "log"
    """Where audit messages go, a line of JSON each: to the logger `dicom.audit`, or into a container of their own."""
    audit_container: str = Field(default="audit", pattern=r"^[a-z0-9](?:-?[a-z0-9]){2,62}$")
    """Which container that is; the app adds to its blobs and never reads them."""
    audit_client_address: Literal["omitted", "truncated", "whole"] = "truncated"
    """How much of a client's address is kept: nothing, its network (24 bits of IPv4, 48 of IPv6), or all."""
