"""Say a key of a DICOMweb search in the index's words: of what matches it by matching.py, the index finds no less.

The index holds no blank values, holds numbers and private attributes in another form, and values of some VRs folded.
So a key narrows a search only where a value that matches it must stand in the index, in a form that the key tells: not
where a blank one can match, and not by patterns of numbers.
"""

import re
from typing import Final

from shared.dicom.index.fields import INFO
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Beginning, Bool, Clause, OneOf, Pattern, exactly
from shared.dicom.index.values import asked, vr_of
from shared.dicom.person_names import fold_name
from shared.dicom.query import AnyOf, FuzzyName, MatchKey, SingleValue, Wildcard
from shared.dicom.query_values import NUMBER_VRS
from shared.dicom.wildcards import wildcard_match
from shared.errors import UnsupportedQueryError

_CASELESS: Final = re.compile(r"[0-9.]*", re.ASCII)


def clause_of(key: MatchKey, policy: IndexPolicy, *, ignore_case: bool) -> Clause:
    """Return a clause that every instance fits of which *key* is true, and perhaps others.

    Raises:
        UnsupportedQueryError: The index cannot tell.
    """
    if vr_of(key.path[-1], "") != key.vr:
        raise UnsupportedQueryError("the search index compares values by the VR of the dictionary")
    match key.match:
        case SingleValue(text):
            _check_text(key, text, ignore_case=ignore_case)
            found = exactly(*_pairs(key, text, policy))
        case AnyOf(values):
            for text in values:
                _check_text(key, text, ignore_case=ignore_case)
            found = _any_of([_pairs(key, value, policy) for value in values])
        case Wildcard(pattern):
            _check_text(key, pattern, ignore_case=ignore_case)
            found = _fits(key, pattern, policy)
        case FuzzyName(words):
            found = Bool(every=tuple(_pattern(key, f"*{word}*", policy) for word in words))
        case _:
            raise UnsupportedQueryError("the search index finds no ranges of this attribute")
    # Of those that did not fit in whole nothing is known.
    return Bool(some=(found, OneOf("truncated", (True,))), least=1)


def _check_text(key: MatchKey, text: str, *, ignore_case: bool) -> None:
    if ignore_case and key.vr not in {"PN", *NUMBER_VRS} and not _CASELESS.fullmatch(text):
        raise UnsupportedQueryError("the search index tells upper case from lower case")


def _pairs(key: MatchKey, text: str, policy: IndexPolicy) -> list[str]:
    pairs = [policy.pair(key.path, key.vr, one) for one in asked(key.vr, text)]
    present = [pair for pair in pairs if pair is not None]
    if not pairs or len(present) < len(pairs):
        raise UnsupportedQueryError("the attribute is kept out of the search index")
    return present


def _any_of(alternatives: list[list[str]]) -> Clause:
    if all(len(pairs) == 1 for pairs in alternatives):
        # One clause, for engines take fewer clauses than values.
        return OneOf(INFO, tuple(pair for pairs in alternatives for pair in pairs))
    return Bool(some=tuple(exactly(*pairs) for pairs in alternatives), least=1)


def _fits(key: MatchKey, pattern: str, policy: IndexPolicy) -> Clause:
    # Components that are empty at a name's end are dropped, and a pattern may still have them.
    groups = (
        [f"{fold_name(group).replace('^', '*')}*" for group in pattern.split("=")]
        if key.vr == "PN"
        else [pattern.strip(" \0")]
    )
    narrowing = [group for group in groups if not wildcard_match(group, "")]
    if not narrowing:
        raise UnsupportedQueryError("blank values, which fit this pattern, do not stand in the search index")
    return Bool(every=tuple(_pattern(key, group, policy) for group in narrowing))


def _pattern(key: MatchKey, pattern: str, policy: IndexPolicy) -> Clause:
    if (
        "\\" in pattern
        or policy.form_of(key.path, key.vr) != "plain"
        or key.vr == "UI"
        or key.vr in NUMBER_VRS
    ):
        raise UnsupportedQueryError("the search index does not hold this attribute as it is")
    name = ".".join(key.path)
    return Bool(some=(Pattern(INFO, f"{name}={pattern}"), Beginning(INFO, f"{name}~")), least=1)
