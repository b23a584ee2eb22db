"""Settings of who may call. Checks no token."""

import os
import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from shared.access.callers import Role

_TENANT: Final = r"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$"
_SCOPE: Final = re.compile(r"([\x21\x23-\x3c\x3e-\x5b\x5d-\x7e]{1,120})=(reader|writer|admin)")
_LOCAL: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:/.*)?")
IN_AZURE: Final = (
    "WEBSITE_SITE_NAME",
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_POD_NAME",
    "WEBSITE_DEPLOYMENT_ID",
    "CONTAINER_APP_NAME",
    "LEGION_SERVICE_HOST",
)
"""Variables by which Azure's plans, Flex Consumption and Container Apps among them, tell an app where it runs. One that
other machines have too, CONTAINER_NAME, is none of them: it comes with these."""


class AccessSettings(BaseSettings):
    """Who may call, and whose tokens are taken."""

    access: Literal["anonymous", "function", "entra"] = "function"
    """Who may call: anyone (on a developer's machine only), who has a function key, or who bears a token of Entra ID
    with a role."""
    entra_tenant: str = Field(default="", pattern=_TENANT)
    """Id of the directory whose tokens are taken."""
    entra_audiences: Annotated[tuple[str, ...], NoDecode] = ()
    """What tokens must be for: the app registration's id and its URI; separated by commas."""
    entra_authority: str = Field(default="https://login.microsoftonline.com", pattern=r"^https?://[^\s@?#]+$")
    """Root of the service that issues tokens; another one in national clouds."""
    entra_issuers: Annotated[tuple[str, ...], NoDecode] = ()
    """What tokens must be of; unless set, both versions of the directory's tokens. Separated by commas."""
    entra_scopes: Annotated[tuple[str, ...], NoDecode] = ("user_impersonation=admin",)
    """Scopes of which a user's token must have one, each with the most it lets its bearer do, as scope=role; separated
    by commas."""
    entra_skew_seconds: float = Field(default=120, ge=0, le=600)
    """By how much the clocks of issuer and app may differ."""
    entra_keys_seconds: float = Field(default=24 * 3600, ge=60, le=7 * 24 * 3600)
    """How long the issuer's keys serve while it does not answer; then requests are answered 503."""

    @field_validator("entra_audiences", "entra_issuers", "entra_scopes", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("entra_scopes")
    @classmethod
    def _are_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_SCOPE.fullmatch(scope) for scope in value):
            raise ValueError("write a scope as name=role, with reader, writer or admin as role")
        return value

    @model_validator(mode="after")
    def _callers_are_known(self) -> Self:
        is_in_azure = any(os.environ.get(name) for name in IN_AZURE)
        if self.access == "anonymous" and is_in_azure:
            raise ValueError("DICOM_ACCESS=anonymous is refused in Azure; use function or entra")
        if self.access == "entra":
            if not self.entra_tenant or not self.entra_audiences:
                raise ValueError("DICOM_ACCESS=entra needs DICOM_ENTRA_TENANT and DICOM_ENTRA_AUDIENCES")
            is_secure = self.entra_authority.startswith("https://")
            if not is_secure and (is_in_azure or _LOCAL.fullmatch(self.entra_authority) is None):
                raise ValueError("DICOM_ENTRA_AUTHORITY must be an https address")
        return self

    def scope_limits(self) -> dict[str, Role]:
        """Return each scope's name with the most that it lets its bearer do."""
        found = (scope.rpartition("=") for scope in self.entra_scopes)
        return {name: Role[role.upper()] for name, _, role in found}
