"""Read a query in Elasticsearch's language: a part of it that can be neither slow nor reach anything else.

Taken are bool, constant_score, exists, match (of one value), match_all, match_none, prefix, range, term, terms and
wildcard, on the fields of an index document and, by exact value, on every attribute in whichever way it is called.
Everything else is refused by name: scripts, joins, lookups in other indices, regular expressions. What is read is
written anew for the engine, so that nothing of a request reaches it unread.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from shared.dicom.index.fields import ASKABLE, INFO, UIDS, Kind, attributes, kinds
from shared.dicom.index.keys import path_of
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import (
    Beginning,
    Bool,
    Clause,
    Everything,
    Interval,
    Nothing,
    OneOf,
    Pattern,
    Present,
    Scalar,
    exactly,
)
from shared.dicom.index.values import asked
from shared.dicom.person_names import fold_name
from shared.dicom.query_attributes import shown
from shared.errors import InvalidQueryError, UnsupportedQueryError

MAX_CLAUSES: Final = 256
MAX_NESTING: Final = 12
MAX_VALUES: Final = 1000
MAX_TEXT: Final = 1024
_MAX_STARS: Final = 8
_BOUNDS: Final = ("gt", "gte", "lt", "lte")
_LARGEST: Final = 2**63 - 1


def read_query(query: Any, policy: IndexPolicy) -> Clause:
    """Return what the "query" of a request body asks for.

    Raises:
        InvalidQueryError: It has no meaning, or is too large.
        UnsupportedQueryError: It has one that is not offered, or asks for more than the policy lets into the index.
    """
    return _Reader(policy).clause(query, 0)


def field_called(name: str, policy: IndexPolicy) -> str:
    """Return the field of an index document that holds an attribute as it is.

    Raises:
        InvalidQueryError: There is no such attribute.
        UnsupportedQueryError: It has no field of its own, or the policy keeps that empty.
    """
    return _Reader(policy).field(name)


def pair_clause(name: str, value: str, policy: IndexPolicy) -> Clause:
    """Return the clause of documents in which the attribute called *name* has the value *value*.

    Raises:
        InvalidQueryError: There is no such attribute, or no value.
        UnsupportedQueryError: It does not enter the index.
    """
    path, vr = path_of(name)
    if len(value) > MAX_TEXT:
        raise InvalidQueryError(f"{shown(name)}: a value has more than {MAX_TEXT} characters")
    texts = asked(vr, value)
    if not texts:
        raise InvalidQueryError(f"{shown(name)}: give a value")
    pairs = [policy.pair(path, vr, text) for text in texts]
    present = [pair for pair in pairs if pair is not None]
    if len(present) < len(pairs):
        raise UnsupportedQueryError(f"{shown(name)} is kept out of the search index of this archive")
    return exactly(*present)


class _Reader:
    def __init__(self, policy: IndexPolicy) -> None:
        self._policy = policy
        self._clauses = 0
        self._readers: Mapping[str, Callable[[Any, int], Clause]] = {
            "bool": self._bool,
            "constant_score": self._constant_score,
            "exists": self._exists,
            "match": self._term,
            "match_all": lambda inner, _: self._empty(inner, Everything()),
            "match_none": lambda inner, _: self._empty(inner, Nothing()),
            "prefix": self._prefix,
            "range": self._range,
            "term": self._term,
            "terms": self._terms,
            "wildcard": self._wildcard,
        }

    def clause(self, query: Any, depth: int) -> Clause:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES or depth > MAX_NESTING:
            raise InvalidQueryError(
                f"a query has at most {MAX_CLAUSES} clauses, nested at most {MAX_NESTING} deep"
            )
        kind, inner = _only(query, "a query")
        reader = self._readers.get(kind)
        if reader is None:
            offered = ", ".join(sorted(self._readers))
            raise UnsupportedQueryError(f"queries of the type {shown(kind)} are not taken; use {offered}")
        return reader(inner, depth)

    def _bool(self, inner: Any, depth: int) -> Clause:
        allowed = ("must", "filter", "should", "must_not", "minimum_should_match")
        _check_names(inner, allowed, "bool")
        read = {
            name: tuple(self.clause(one, depth + 1) for one in _listed(inner.get(name, [])))
            for name in allowed[:4]
        }
        every, some = read["must"] + read["filter"], read["should"]
        least = inner.get("minimum_should_match", 1 if some and not every else 0)
        if isinstance(least, bool) or not isinstance(least, int) or not 0 <= least <= len(some):
            raise InvalidQueryError("minimum_should_match must be a number of the clauses of should")
        return Bool(every, some, read["must_not"], least)

    def _constant_score(self, inner: Any, depth: int) -> Clause:
        _check_names(inner, ("filter",), "constant_score")
        return self.clause(inner.get("filter"), depth + 1)

    def _empty(self, inner: Any, clause: Clause) -> Clause:
        _check_names(inner, (), "match_all and match_none")
        return clause

    def _term(self, inner: Any, _depth: int) -> Clause:
        name, given = _only(inner, "term")
        if isinstance(given, Mapping):
            word = "query" if "query" in given else "value"
            _check_names(given, (word,), "term")
            given = given.get(word)
        return self._equal(name, given)

    def _terms(self, inner: Any, _depth: int) -> Clause:
        name, given = _only(inner, "terms")
        if not isinstance(given, list):
            raise UnsupportedQueryError("terms takes a list of values; it looks up none elsewhere")
        if not 1 <= len(given) <= MAX_VALUES:
            raise InvalidQueryError(f"terms takes 1 to {MAX_VALUES} values")
        return _joined([self._equal(name, value) for value in given])

    def _equal(self, name: str, value: Any) -> Clause:
        if name in ASKABLE or name in UIDS or (name in kinds() and "." in name):
            return OneOf(self.field(name), (self._scalar(name, value),))
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidQueryError(f"{shown(name)}: give a text or a number")
        return pair_clause(name.removeprefix(f"{INFO}."), str(value), self._policy)

    def _range(self, inner: Any, _depth: int) -> Clause:
        name, given = _only(inner, "range")
        _check_names(given, _BOUNDS, "range")
        if not given:
            raise InvalidQueryError(f"range takes {', '.join(_BOUNDS)}")
        field = self.field(name)
        return Interval(field, **{bound: self._scalar(name, value) for bound, value in given.items()})

    def _prefix(self, inner: Any, _depth: int) -> Clause:
        name, text = self._text(inner, "prefix")
        return Beginning(self.field(name), text)

    def _wildcard(self, inner: Any, _depth: int) -> Clause:
        name, text = self._text(inner, "wildcard")
        if text.count("*") > _MAX_STARS or "\\" in text:
            raise InvalidQueryError(f"a pattern has at most {_MAX_STARS} asterisks, and no backslash")
        return Pattern(self.field(name), text)

    def _exists(self, inner: Any, _depth: int) -> Clause:
        _check_names(inner, ("field",), "exists")
        return Present(self.field(str(inner.get("field"))))

    def _text(self, inner: Any, what: str) -> tuple[str, str]:
        name, given = _only(inner, what)
        if isinstance(given, Mapping):
            _check_names(given, ("value",), what)
            given = given.get("value")
        text = self._scalar(name, given)
        if not isinstance(text, str) or kinds().get(self.field(name)) is not Kind.TEXT:
            raise InvalidQueryError(f"{what} is for fields of text, and {shown(name)} is none")
        return name, text

    def field(self, name: str) -> str:
        """Return the field called *name*, after a look at whether it may hold what is asked for.

        Raises:
            InvalidQueryError: There is no such field.
            UnsupportedQueryError: The policy keeps it empty: no answer would be true.
        """
        if name == "object_key" and self._policy.identifying != "plain":
            raise UnsupportedQueryError(
                "names of objects do not stand in the search index of this archive; fetch /search/file by object_key"
            )
        if name in ASKABLE or name in UIDS:
            return name
        keyword, dot, part = name.partition(".")
        field = keyword + dot + part
        if field not in kinds():
            path, _ = path_of(keyword)
            found = attributes().get(path[0]) if len(path) == 1 else None
            field = f"{found.keyword}{dot}{part}" if found else ""
        attribute = next((one for one in attributes().values() if one.keyword == field.split(".")[0]), None)
        if field not in kinds() or attribute is None:
            raise UnsupportedQueryError(f"{shown(name)} is searched by exact value only: use term or terms")
        if self._policy.form_of((attribute.tag,), attribute.vr) != "plain":
            raise UnsupportedQueryError(
                f"{shown(name)} does not stand in the search index of this archive as it is: use term or terms "
                "on the attribute"
            )
        return field

    def _scalar(self, name: str, value: Any) -> Scalar:
        kind = kinds()[self.field(name)]
        if kind is Kind.BOOLEAN and isinstance(value, bool):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidQueryError(f"{shown(name)}: give a text or a number")
        if len(str(value)) > MAX_TEXT:
            raise InvalidQueryError(f"{shown(name)}: a value has more than {MAX_TEXT} characters")
        try:
            return _as_kind(kind, name, value)
        except (ValueError, OverflowError):
            raise InvalidQueryError(f"{shown(name)}: the value is no {kind}") from None


def _as_kind(kind: Kind, name: str, value: str | float) -> Scalar:
    if kind is Kind.TEXT:
        return fold_name(str(value)) if "." in name else str(value)
    if kind is Kind.DATE:
        return date.fromisoformat(str(value)).strftime("%Y%m%d")
    if kind is Kind.NUMBER:
        number = float(value)
        if number - number != 0:
            raise ValueError("not finite")
        return number
    if kind is Kind.INTEGER and float(value) == int(value) and abs(int(value)) <= _LARGEST:
        return int(value)
    raise ValueError("no value of this kind")


def _joined(clauses: list[Clause]) -> Clause:
    """Return a clause that fits where one of *clauses* does."""
    fields = {clause.field for clause in clauses if isinstance(clause, OneOf)}
    if len(fields) == 1 and all(isinstance(clause, OneOf) for clause in clauses):
        values = [value for clause in clauses if isinstance(clause, OneOf) for value in clause.values]
        return OneOf(fields.pop(), tuple(values))
    return Bool(some=tuple(clauses), least=1)


def _only(given: Any, what: str) -> tuple[str, Any]:
    if not isinstance(given, Mapping) or len(given) != 1:
        raise InvalidQueryError(f"{what} is an object with one name")
    ((name, inner),) = given.items()
    return str(name), inner


def _check_names(given: Any, allowed: tuple[str, ...], what: str) -> None:
    if not isinstance(given, Mapping):
        raise InvalidQueryError(f"{what} takes an object")
    for name in given:
        if name not in allowed:
            raise UnsupportedQueryError(f"{what} does not take {shown(str(name))}")


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
