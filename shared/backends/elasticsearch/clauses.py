"""Write clauses in Elasticsearch's language. All of it is filters: nothing is scored."""

from typing import Any

from shared.dicom.index.fields import DELETED, PARTITION
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
)

_BOUNDS = ("gt", "gte", "lt", "lte")


def within_partition(partition: str, clause: Clause) -> dict[str, Any]:
    """Return the query of what fits *clause* among the instances that one partition has."""
    alive = [{"term": {PARTITION: partition}}, {"term": {DELETED: False}}]
    return {"bool": {"filter": [*alive, written(clause)]}}


def written(clause: Clause) -> dict[str, Any]:
    """Return a clause as a query."""
    match clause:
        case Everything():
            query: dict[str, Any] = {"match_all": {}}
        case Nothing():
            query = {"match_none": {}}
        case OneOf(field, (value,)):
            query = {"term": {field: value}}
        case OneOf(field, values):
            query = {"terms": {field: list(values)}}
        case Interval(field):
            bounds = {bound: getattr(clause, bound) for bound in _BOUNDS}
            query = {"range": {field: {name: value for name, value in bounds.items() if value is not None}}}
        case Beginning(field, text):
            query = {"prefix": {field: {"value": text}}}
        case Pattern(field, pattern):
            query = {"wildcard": {field: {"value": pattern}}}
        case Present(field):
            query = {"exists": {"field": field}}
        case Bool():
            query = _bool(clause)
    return query


def _bool(clause: Bool) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    if clause.every:
        inner["filter"] = [written(one) for one in clause.every]
    if clause.some and clause.least:
        inner["should"] = [written(one) for one in clause.some]
        inner["minimum_should_match"] = clause.least
    if clause.none:
        inner["must_not"] = [written(one) for one in clause.none]
    return {"bool": inner} if inner else {"match_all": {}}
