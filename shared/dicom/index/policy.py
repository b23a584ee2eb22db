"""Which attributes enter the search index, and in which form: as they are, as a keyed hash, or not at all.

Identifying are those of PS3.15 Table E.1-1 and of the forerunner's lists (shared.dicom.risk.rules), person names,
private attributes, and all that lies within one of these. UIDs of objects are not counted among them, for without
them nothing found could be fetched.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from shared.dicom.index.fields import EDITION
from shared.dicom.risk.rules import rule_of

type Form = Literal["plain", "hashed", "omitted"]

_UID: Final = re.compile(r"[0-9.]{1,64}", re.ASCII)
_LONGEST: Final = 256
"""Characters of a value that stands in the index as it is; of a longer one stands its hash."""
_DIGEST_DIGITS: Final = 40


@dataclass(frozen=True, slots=True)
class IndexPolicy:
    """What becomes of attributes on their way into the index of one data partition.

    Attributes:
        identifying: the form in which identifying attributes enter it.
        omitted: tags of 8 hex digits; these, and all within them, never enter it.
        key: what hashes are made with; 32 bytes, of the partition.
    """

    identifying: Form = "hashed"
    omitted: frozenset[str] = frozenset()
    key: bytes = b""

    @property
    def fingerprint(self) -> str:
        """Tell this policy from others, keys aside: an index that was built by another one must not serve."""
        text = f"{EDITION}|{self.identifying}|{','.join(sorted(self.omitted))}"
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def form_of(self, path: Sequence[str], vr: str, text: str = "1") -> Form:
        """Return the form in which a value enters the index.

        Args:
            path: the attribute's tag, after those of the sequences around it.
            vr: its value representation.
            text: the value, where it is at hand: what is no UID is not taken for one.
        """
        if not self.omitted.isdisjoint(path):
            return "omitted"
        has_uid = vr == "UI" and _UID.fullmatch(text) is not None
        return self.identifying if _identifies(tuple(path), vr, has_uid=has_uid) else "plain"

    def pair(self, path: Sequence[str], vr: str, text: str) -> str | None:
        """Return the entry of the field `info` that says that an attribute has the value *text*; None if none says so.

        Args:
            path: as in `form_of`.
            vr: as in `form_of`.
            text: the value, as `values.texts` gives it.
        """
        name = ".".join(path)
        form = self.form_of(path, vr, text)
        if form == "omitted":
            return None
        if form == "hashed":
            made = hmac.new(self.key, f"{name}={text}".encode("utf-8", "surrogatepass"), hashlib.sha256)
            return f"{name}#{made.hexdigest()[:_DIGEST_DIGITS]}"
        if len(text) > _LONGEST:
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            return f"{name}~{digest[:_DIGEST_DIGITS]}"
        # No JSON in UTF-8 can have lone surrogates.
        return f"{name}={text}".encode("utf-8", "replace").decode()


@lru_cache(maxsize=8192)
def _identifies(path: tuple[str, ...], vr: str, *, has_uid: bool) -> bool:
    tags = [int(tag, 16) for tag in path]
    if any(tag >> 16 & 1 for tag in tags) or vr == "PN":
        return True
    if has_uid:
        tags = tags[:-1]
    return any(rule_of(tag) is not None for tag in tags)
