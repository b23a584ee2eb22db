"""Say what is declared of one operation. It declares none."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        name: Unique among the operations of a root; ends the operation id.
        path: Below its root, with a leading slash, parameters in braces.
        summary: What it does.
        answers: By the status of each answer that is no problem document, its media types; none without content.
        method: In lower case.
        parameters: Names of query and header parameters, as `components` declares them.
        body: Media types that it takes.
        failures: Status codes of its problems, beside those of `components.ALWAYS`.
        headers: Names of the headers that an answer may have, as `components` declares them.
        in_partitions: Whether data partitions have it too.
        role: Which it needs where callers bear tokens, as functions/_surface.py has it; reader or writer, by the
            method, unless given; "" for none.
    """

    name: str
    path: str
    summary: str
    answers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    method: str = "get"
    parameters: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    failures: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    in_partitions: bool = True
    role: str | None = None

    @property
    def needed_role(self) -> str:
        """The role that it needs; "" for none."""
        if self.role is not None:
            return self.role
        return "reader" if self.method == "get" else "writer"
