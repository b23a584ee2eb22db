"""What every StudyRisks does: it tells of each study what its instances tell together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from shared.dicom.references import StudyRef
from shared.dicom.risk.assessment import RiskAssessment
from shared.dicom.risk.rules import RiskLevel
from shared.dicom.risk.study_risk import StudyRisk
from shared.ports.archive import StudyRisks
from shared.records import InstanceRecord
from tests.contract.archive import ArchiveContract
from tests.contract.records import Archive, a_key, a_record, an_instance

LOW = RiskAssessment(RiskLevel.LOW, 0b101)
HIGH = RiskAssessment(RiskLevel.HIGH, 1 << 700 | 0b010)


def a_risky(
    risk: RiskAssessment | None, instance: str = "1.2.3.4.5", series: str = "1.2.3.4", study: str = "1.2.3"
) -> InstanceRecord:
    """Return a record of an instance with a risk, in an object of its own."""
    ref = an_instance(study, series, instance)
    return replace(a_record(ref, key=a_key(f"{study}/{series}/{instance}")), risk=risk)


class StudyRisksContract(ArchiveContract):
    """See ArchiveContract; an adapter also overrides `risks_of`."""

    def risks_of(self, archive: Archive) -> StudyRisks:
        """Return the adapter under test, bound to the partition of *archive*."""
        raise NotImplementedError

    async def test_an_unknown_study_has_no_risk(self, archive: Archive) -> None:
        """Neither by itself nor in the list."""
        risks = self.risks_of(archive)

        assert await risks.of_study(StudyRef("1.2.3")) is None
        assert [found async for found in risks.scan()] == []

    async def test_a_study_tells_what_its_instances_tell(self, archive: Archive) -> None:
        """Over series; an instance without an assessment is counted as such."""
        for record in (
            a_risky(LOW, "1.2.3.4.5"),
            a_risky(LOW, "1.2.3.4.6"),
            a_risky(HIGH, "1.2.3.5.1", "1.2.3.5"),
            a_risky(None, "1.2.3.6.1", "1.2.3.6"),
        ):
            await archive.index.put([record])
        await archive.summaries.refresh(StudyRef("1.2.3"))

        assert await self.risks_of(archive).of_study(StudyRef("1.2.3")) == StudyRisk(
            RiskAssessment(RiskLevel.HIGH, 1 << 700 | 0b111),
            Counter({RiskLevel.LOW: 2, RiskLevel.HIGH: 1}),
            unassessed=1,
        )

    async def test_a_removed_instance_tells_nothing_more(self, archive: Archive) -> None:
        """The level falls again, and with the last instance the study is gone."""
        low, high = a_risky(LOW, "1.2.3.4.5"), a_risky(HIGH, "1.2.3.4.6")
        risks = self.risks_of(archive)
        await archive.index.put([low, high])
        await archive.summaries.refresh(StudyRef("1.2.3"))
        await archive.index.remove(high.ref, high.location.key)
        await archive.summaries.refresh(StudyRef("1.2.3"))

        assert await risks.of_study(StudyRef("1.2.3")) == StudyRisk(LOW, Counter({RiskLevel.LOW: 1}))

        await archive.index.remove(low.ref, low.location.key)
        await archive.summaries.refresh(StudyRef("1.2.3"))
        assert await risks.of_study(StudyRef("1.2.3")) is None

    async def test_a_scan_goes_on_where_it_ended(self, archive: Archive) -> None:
        """Each study once, whatever the order, from any study on."""
        studies = {f"1.2.{number}" for number in range(12)}
        for study in studies:
            await archive.index.put([a_risky(LOW, f"{study}.1.1", f"{study}.1", study)])
            await archive.summaries.refresh(StudyRef(study))
        risks = self.risks_of(archive)

        found = [one.ref async for one in risks.scan()]
        assert sorted(ref.study_instance_uid for ref in found) == sorted(studies)
        for place in (0, 5, 11):
            assert [one.ref async for one in risks.scan(found[place])] == found[place + 1 :]

    async def test_a_record_keeps_its_assessment(self, archive: Archive) -> None:
        """As it was put."""
        await archive.index.put([a_risky(HIGH)])

        assert (await archive.index.get(an_instance())).risk == HIGH
