"""Read what a source answered as JSON: of the shape it should have, or refused. It asks nothing."""

from typing import Any

from shared.errors import SourceRefusedError

_NO_SHAPE = "the source answered JSON of another shape than it should have"


def mapping(answer: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(answer, dict):
        raise SourceRefusedError(_NO_SHAPE)
    return answer


def listed(answer: Any) -> list[Any]:
    """Return a list."""
    if not isinstance(answer, list):
        raise SourceRefusedError(_NO_SHAPE)
    return answer


def text_of(answer: dict[str, Any], group: str, name: str) -> str:
    """Return a text inside an object inside an object; empty if there is none."""
    value = mapping(answer.get(group, {})).get(name, "")
    return value.strip(" \0") if isinstance(value, str) else ""


def index_of(answer: Any) -> int:
    """Return a number that counts."""
    if not isinstance(answer, int) or answer < 0:
        raise SourceRefusedError(_NO_SHAPE)
    return answer
