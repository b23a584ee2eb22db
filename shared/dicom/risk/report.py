"""Say in words what was found in a file: where, of which kind, how grave, and why. Never a value."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from shared.dicom.header import Header
from shared.dicom.risk.assessment import Weights, weigh
from shared.dicom.risk.findings import Finding, findings, rules_found
from shared.dicom.risk.rules import EDITION, SIGNALS, RiskLevel, Rule
from shared.dicom.risk.study_risk import StudyRisk
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
    assessment = weigh(rules_found(header) if truncated else {finding.rule for finding in found}, weights)
    return {
        "level": level_name(assessment.level),
        "edition": EDITION,
        "categories": categories(finding.rule for finding in listed),
        "findings": [_written(finding, weights) for finding in listed],
        "truncated": truncated,
    }


def study_report(study_instance_uid: str, risk: StudyRisk, *, with_rules: bool) -> dict[str, Any]:
    """Return what the instances of a study tell together.

    Returns:
        "study_instance_uid", "level", "instances" (how many by level), "unassessed" (how many were indexed by other
        rules), "categories" (by how many rules of each kind anything was found), and with *with_rules* "rules".
    """
    found = list(risk.assessment.rules())
    report: dict[str, Any] = {
        "study_instance_uid": study_instance_uid,
        "level": level_name(risk.assessment.level),
        "instances": {level_name(level): risk.instances[level] for level in RiskLevel},
        "unassessed": risk.unassessed,
        "categories": categories(found),
    }
    return report | {"rules": [rule_in_words(rule) for rule in found]} if with_rules else report


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
