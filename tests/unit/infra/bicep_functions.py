"""What parameters may be, and the operators and functions of the plain Bicep in infra/."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from tests.unit.infra.bicep_syntax import Declaration
from tests.unit.infra.bicep_tokens import BicepError

type Value = Any

_TYPES: Final[dict[str, type]] = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}


def fitting(file: str, declaration: Declaration, value: Any) -> Any:
    """Return the value if the parameter takes it.

    Raises:
        BicepError: It is of another type, not among those allowed, or beyond a limit.
    """
    name = f"{file}: parameter {declaration.name}"
    size = len(value) if hasattr(value, "__len__") else value
    if not isinstance(value, _TYPES[declaration.what]) or (declaration.what == "int" and value is True):
        raise BicepError(f"{name} is a {declaration.what}, not {value!r}")
    limits = {key: arguments[0] for key, arguments in declaration.decorators.items() if len(arguments) == 1}
    if "allowed" in limits and value not in [one.value for one in limits["allowed"].parts]:
        raise BicepError(f"{name} cannot be {value!r}")
    for key in ("Value", "Length"):
        least, most = limits.get(f"min{key}"), limits.get(f"max{key}")
        if least is not None and size < int(least.value or 0):
            raise BicepError(f"{name} cannot be {value!r}: {least.value} is the least")
        if most is not None and size > int(most.value or 0):
            raise BicepError(f"{name} cannot be {value!r}: {most.value} is the most")
    return value


def written(value: Value) -> str:
    """Return a value as it stands in a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _joined(*collections: Value) -> Value:
    if isinstance(collections[0], dict):
        return {key: value for one in collections for key, value in one.items()}
    return [value for one in collections for value in one]


def _digest(*values: Value) -> str:
    return hashlib.sha256("|".join(map(written, values)).encode()).hexdigest()[:13]


def resource_id(kind: str, *names: str) -> str:
    """Return the id that a resource has in a deployment in miniature.

    Raises:
        BicepError: It has not as many names as its type has levels.
    """
    provider, *levels = kind.split("/")
    if len(levels) != len(names):
        raise BicepError(f"{kind} {'/'.join(names)}: a name for each level is needed, or a parent")
    return f"/{provider}" + "".join(f"/{level}/{name}" for level, name in zip(levels, names, strict=True))


UNARY: Final[dict[Value, Callable[..., Value]]] = {"!": lambda value: not value, "-": lambda value: -value}
BINARY: Final[dict[Value, Callable[..., Value]]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
FUNCTIONS: Final[dict[Value, Callable[..., Value]]] = {
    "concat": _joined,
    "empty": lambda value: not value,
    "environment": lambda: {
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
        "suffixes": {"storage": "core.windows.net"},
    },
    "guid": lambda *values: f"guid-{_digest(*values)}",
    "join": lambda values, between: between.join(map(written, values)),
    "length": len,
    "resourceId": resource_id,
    "split": lambda text, at: text.split(at),
    "string": written,
    "subscription": lambda: {"id": "/subscriptions/s", "subscriptionId": "s"},
    "subscriptionResourceId": resource_id,
    "take": lambda value, count: value[:count],
    "tenant": lambda: {"tenantId": "t"},
    "toLower": str.lower,
    "union": _joined,
    "uniqueString": _digest,
}
