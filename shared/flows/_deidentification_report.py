"""Tell what was done to a file, as JSON. No value of the patient's is in it."""

import orjson

from shared.flows.deidentify_file import DeidentifiedFile
from shared.records import ObjectKey


def report_of(done: DeidentifiedFile) -> bytes:
    """Return the new UIDs of a file and every change: tag path, rule, action."""
    report, uids = done.made.report, done.made.uids
    return orjson.dumps(
        {
            "studyInstanceUid": uids.study_instance_uid,
            "seriesInstanceUid": uids.series_instance_uid,
            "sopInstanceUid": uids.sop_instance_uid,
            "pixelsMasked": done.pixels_masked,
            "counts": report.counts,
            "changes": [
                {"path": change.path, "rule": change.rule, "action": change.action.value}
                for change in report.changes
            ],
            "notListed": sum(report.counts.values()) - len(report.changes),
        }
    )


def report_key(container: str, job_id: str, number: int) -> ObjectKey:
    """Return where the report of a job's item is kept."""
    return ObjectKey(container, f"jobs/{job_id}/{number}.json")
