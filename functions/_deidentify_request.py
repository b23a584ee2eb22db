"""Read from a request how files are to be de-identified. It de-identifies none."""

import re
from dataclasses import replace
from typing import Final, Literal

from starlette.datastructures import QueryParams

from shared.dicom.deidentification.profile import Option, Profile, combine
from shared.dicom.deidentification.pseudonyms import Pseudonyms
from shared.errors import InvalidRequestError, NotConfiguredError
from shared.flows.deidentify_file import DeidentifyRequest, PixelRequest
from shared.pixels.mask_pixels import Rectangle
from shared.settings.settings import Settings

_RECTANGLE: Final = re.compile(r"([0-9]{1,5}),([0-9]{1,5}),([0-9]{1,5}),([0-9]{1,5})")
_MAX_RECTANGLES: Final = 64
_ABOUT_FILES: Final = frozenset({"filter", "options", "pseudonyms", "pixels", "mask", "dryRun"})
_ABOUT_JOBS: Final = frozenset({"partition", "toPartition", "toContainer"})
_OF_THE_HOST: Final = frozenset({"code", "clientId"})
"""A function key in the URL and its name: they are never kept."""


def known_parameters(params: QueryParams, *, of_job: bool = False) -> tuple[tuple[str, str], ...]:
    """Return what a request says of de-identification. A name with a slip must not be taken for nothing said.

    Raises:
        InvalidRequestError: A parameter is not known.
    """
    known = _ABOUT_FILES | _ABOUT_JOBS if of_job else _ABOUT_FILES
    said = tuple((name, value) for name, value in params.multi_items() if name not in _OF_THE_HOST)
    if any(name not in known for name, _ in said):
        raise InvalidRequestError(f"an unknown parameter: use {', '.join(sorted(known))}")
    return said


def deidentify_request(
    params: QueryParams, settings: Settings, *, key: bytes | None = None
) -> DeidentifyRequest:
    """Return what the query parameters ask for.

    Args:
        params: Of the request.
        settings: Of the app.
        key: What pseudonyms at random are made of, in a job; None outside of one: each file has others then.

    Raises:
        InvalidRequestError: A parameter has no meaning, or two contradict each other.
        NotConfiguredError: There is no secret for pseudonyms.
    """
    profile, pixels = _profile(params, settings), PixelRequest(_policy(params), _rectangles(params))
    if not has_random_pseudonyms(params):
        return DeidentifyRequest(profile, pseudonyms_of(settings), pixels)
    if key == b"":
        raise InvalidRequestError("the random key of this job is gone, as the job is done")
    pseudonyms = Pseudonyms.at_random() if key is None else Pseudonyms(key)
    return DeidentifyRequest(replace(profile, random_pseudonyms=True), pseudonyms, pixels)


def has_random_pseudonyms(params: QueryParams) -> bool:
    """Tell whether pseudonyms are to be made of a random key that is thrown away, not of the project's secret."""
    text = params.get("pseudonyms", "keyed")
    if text not in ("keyed", "random"):
        raise InvalidRequestError("pseudonyms must be keyed or random")
    return text == "random"


def pseudonyms_of(settings: Settings) -> Pseudonyms:
    """Return the pseudonyms that the project's secret makes.

    Raises:
        NotConfiguredError: There is none.
    """
    secret = settings.deidentify_secret
    if secret is None:
        raise NotConfiguredError(
            "nothing is de-identified without a secret for pseudonyms: set DICOM_DEIDENTIFY_SECRET to 32 random"
            " characters, and keep it apart from the files"
        )
    return Pseudonyms(secret.get_secret_value().encode())


def is_dry_run(params: QueryParams) -> bool:
    """Tell whether nothing is to be written."""
    text = params.get("dryRun", "false").lower()
    if text not in ("true", "false"):
        raise InvalidRequestError("dryRun must be true or false")
    return text == "true"


def _profile(params: QueryParams, settings: Settings) -> Profile:
    filters, options = _names(params, "filter"), _names(params, "options")
    if filters and options:
        raise InvalidRequestError("a filter has its own options: give filter or options, not both")
    if filters:
        return combine(filters)
    known = {option.value: option for option in Option}
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InvalidRequestError(f"unknown options; use any of {', '.join(known)}")
    return Profile(
        options=frozenset(known[name] for name in options),
        vocabulary=frozenset(word.lower() for word in settings.deidentify_vocabulary),
    )


def _policy(params: QueryParams) -> Literal["mask", "devices", "keep", "refuse"]:
    match params.get("pixels", "mask"):
        case "mask":
            return "mask"
        case "devices":
            return "devices"
        case "keep":
            return "keep"
        case "refuse":
            return "refuse"
        case _:
            raise InvalidRequestError("pixels must be mask, devices, keep or refuse")


def _rectangles(params: QueryParams) -> tuple[Rectangle, ...]:
    texts = params.getlist("mask")
    found = [_RECTANGLE.fullmatch(text) for text in texts]
    if len(found) > _MAX_RECTANGLES or not all(found):
        raise InvalidRequestError(
            f"mask must be left,top,right,bottom in pixels, and may come {_MAX_RECTANGLES} times"
        )
    return tuple(Rectangle(*(int(number) for number in match.groups())) for match in found if match)


def _names(params: QueryParams, parameter: str) -> list[str]:
    values = params.getlist(parameter)
    return [name.strip() for value in values for name in value.split(",") if name.strip()]
