"""What the triggers of uploads share: what a run needs, and which run a message is about."""

from shared.errors import InvalidRequestError
from shared.flows.run_upload import UploadPorts
from shared.services.partner import partner_of, partner_rules, partner_target
from shared.services.services import Services


def upload_ports(services: Services) -> UploadPorts:
    """Return what a run needs; *services* are those of its data partition.

    Raises:
        NotConfiguredError: No partner is set.
    """
    settings = services.settings
    return UploadPorts(
        objects=services.objects,
        index=services.index,
        jobs=services.jobs,
        uploads=services.sending.uploads,
        analytics=services.sending.analytics,
        partner=partner_of(services.sending, settings),
        derived_container=settings.derived_container,
        target=partner_target(settings),
        rules=partner_rules(settings),
        log_level=settings.log_level,
        sends_log=bool(settings.partner_log_url),
    )


def read_message(message: bytes) -> tuple[str, int]:
    """Return the job and the item that a message is about; item 0 for the job as a whole.

    Raises:
        InvalidRequestError: It is of another form.
    """
    import orjson

    try:
        content = orjson.loads(message)
        return str(content["job"]), int(content.get("item", 0))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        raise InvalidRequestError("the message is not {job} or {job, item}") from None
