"""Say in words what was found in a file: where, of which kind, how grave, and why. Never a value."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from shared.dicom.header import Header
from shared.dicom.risk.assessment import Weights, weigh
from shared.dicom.risk.findings import Finding, findings
from shared.dicom.risk.rules import EDITION, SIGNALS, RiskLevel, Rule
from shared.dicom.tag_names import name_of

MAX_FINDINGS: Final = 10_000
"""Findings listed of one file; the level is that of all."""


def risk_report(header: Header) -> dict[str, Any]:
    """Return what a file tells of its patient.

    Returns:
        "level" (none, low, medium, high), "edition" of the rules, "categories" (how many findings of each kind),
        "findings" and "truncated". A finding has "path" (tags and 0-based item numbers; empty: the file as a whole),
        "tag", "keyword", "category", "level" as it weighs in this file, "reason" and "sources".
    """
    weights = Weights.of(header)
    found = list(islice(findings(header), MAX_FINDINGS + 1))
    listed = found[:MAX_FINDINGS]
    truncated = len(found) > MAX_FINDINGS
    assessment = weigh(findings(header) if truncated else found, weights)
    return {
        "level": level_name(assessment.level),
        "edition": EDITION,
        "categories": categories(finding.rule for finding in listed),
        "findings": [_written(finding, weights) for finding in listed],
        "truncated": truncated,
    }


def level_name(level: RiskLevel) -> str:
    """Return a level as answers have it, such as "high"."""
    return level.name.lower()


def categories(rules: Iterable[Rule]) -> dict[str, int]:
    """Return how often each kind of identifier comes, by kind."""
    return dict(sorted(Counter(rule.category for rule in rules).items()))


def rule_in_words(rule: Rule) -> dict[str, Any]:
    """Return what a rule looks for: "tag" (or the name of a signal), "keyword", "category", "reason", "sources"."""
    keyword = "" if rule in SIGNALS else name_of(int(rule.tag.replace("x", "0"), 16)).keyword
    return {
        "tag": rule.tag,
        "keyword": keyword,
        "category": rule.category,
        "reason": rule.reason,
        "sources": list(rule.sources),
    }


def _written(finding: Finding, weights: Weights) -> dict[str, Any]:
    rule = finding.rule
    tag = finding.path.rpartition("/")[2]
    name = name_of(int(tag, 16)) if tag else None
    return {
        "path": finding.path,
        "tag": name.tag if name else "",
        "keyword": name.keyword if name else "",
        "category": rule.category,
        "level": level_name(weights.level_of(rule)),
        "reason": rule.reason,
        "sources": list(rule.sources),
    }
