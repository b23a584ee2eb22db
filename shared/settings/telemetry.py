"""Where telemetry is sent, in the names that Azure and OpenTelemetry have for it."""

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings


class TelemetrySettings(BaseSettings):
    """All empty: nothing is sent, and nothing measured. Both may be set."""

    application_insights: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("APPLICATIONINSIGHTS_CONNECTION_STRING")
    )
    application_insights_authentication: str = Field(
        default="", validation_alias=AliasChoices("APPLICATIONINSIGHTS_AUTHENTICATION_STRING")
    )
    """`Authorization=AAD` or `ClientId=…;Authorization=AAD`: by a managed identity, not by the key alone."""
    otlp_endpoint: str = Field(default="", validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT"))
    """Root URL of a collector that takes OTLP over HTTP; OTEL_EXPORTER_OTLP_HEADERS and its like are read by the exporter."""
    metric_interval_seconds: float = Field(default=60, gt=0)
    """How often metrics are sent."""

    @property
    def sends_telemetry(self) -> bool:
        """Tell whether there is anywhere to send to."""
        return bool(self.application_insights or self.otlp_endpoint)
