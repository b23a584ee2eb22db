"""What a file tells of its patient is found at every depth, weighed, and kept in a few bytes without a value."""

import importlib.resources

import pytest

from shared.dicom.header import Header, read_header
from shared.dicom.risk.assessment import RiskAssessment, Weights, assess, roll_up
from shared.dicom.risk.findings import findings
from shared.dicom.risk.rules import EDITION, SIGNALS, RiskLevel, by_number, listed, rule_of
from tests.unit.dicom.dicom_files import RangeReads, bundled, element, item, part10, readable_files

PIXELS = element(0x7FE00010, "OW", b"\0\0")


async def header_of(data: bytes) -> Header:
    """Read a file."""
    return await read_header(RangeReads(data), len(data))


def found_in(header: Header) -> dict[str, str]:
    """Return categories by path."""
    return {finding.path: finding.rule.category for finding in findings(header)}


def names_in(header: Header) -> set[str]:
    """Return the tags and signals by which anything was found."""
    return {finding.rule.tag for finding in findings(header)}


def listed_tag(tag: str) -> int:
    """Return a tag that a row of the table means."""
    return int(tag.replace("x", "2"), 16)


@pytest.mark.parametrize("depth", [0, 2])
async def test_every_listed_attribute_is_found(depth: int) -> None:
    """All 224 of the forerunner and all of Table E.1-1, by themselves: none hides behind another."""
    for rule in listed():
        tag = listed_tag(rule.tag)
        canary = element(tag, "LO", b"canary")
        path = ""
        if depth and tag >> 16 != 2:
            canary = element(0x0040_0275, "SQ", item(element(0x0011_1001, "SQ", item(canary))))
            path = "00400275/0/00111001/0/"

        found = {(finding.rule, finding.path) for finding in findings(await header_of(part10(canary)))}

        assert (rule, f"{path}{tag:08X}") in found


def test_the_table_has_both_lists_of_the_forerunner_and_the_standards() -> None:
    """224 distinct tags (50 and 206, 32 in both); 656 rows of the standard's, private attributes being a signal."""
    hipaa = [rule for rule in listed() if "forerunner's HIPAA list" in rule.sources]
    gdpr = [rule for rule in listed() if "forerunner's GDPR list" in rule.sources]

    assert (len(hipaa), len(gdpr), len({*hipaa} | {*gdpr})) == (50, 206, 224)
    assert len([rule for rule in listed() if "PS3.15 2026d Table E.1-1" in rule.sources]) == 656


def test_numbers_of_rules_are_their_own() -> None:
    """A bit stands for one rule."""
    assert len(by_number()) == len(SIGNALS) + len(listed())
    assert by_number()[64] is listed()[0]


@pytest.mark.parametrize("empty", [b"", b"  ", b"\0\0"])
async def test_what_is_empty_is_no_finding(empty: bytes) -> None:
    """Spaces and zero bytes tell nothing; neither does a sequence without items."""
    header = await header_of(
        part10(element(0x00080050, "SH", empty), element(0x00100010, "PN", empty), element(0x00101002, "SQ"))
    )

    assert assess(header) == RiskAssessment(RiskLevel.NONE)


async def test_private_elements_are_found_but_not_their_creator() -> None:
    """The creator names a vendor's block, no patient; what a private sequence holds is looked into as well."""
    inner = item(element(0x00100010, "PN", b"A^B "))
    header = await header_of(part10(element(0x00110010, "LO", b"ACME"), element(0x00111001, "SQ", inner)))

    assert found_in(header) == {"00111001": "private", "00111001/0/00100010": "name"}


async def test_unlisted_attributes_are_found_by_their_vr() -> None:
    """No table lists every name, date and text."""
    header = await header_of(
        part10(
            element(0x00081052, "SQ", item(element(0x0040A075, "PN", b"X^Y "))),
            element(0x00189999, "UN", b"??"),
            element(0x3004FFF0, "DA", b"20200101"),
            element(0x3004FFF2, "UT", b"words" + b" "),
        )
    )

    assert {"UNLISTED_DATE", "UNLISTED_TEXT", "UNKNOWN"} <= names_in(header)


async def test_the_patients_own_name_in_a_text_is_found() -> None:
    """In any case, at any depth; parts of three letters are not looked for."""
    name = element(0x00100010, "PN", b"Mustermann^Ada^^")
    text = element(0x00081030, "LO", b"copy of MUSTERMANN")
    short = element(0x0008103E, "LO", b"adac")
    header = await header_of(part10(text, short, name))

    paths = [finding.path for finding in findings(header) if finding.rule.tag == "COPIED_IDENTIFIER"]
    assert paths == ["00081030"]
    assert assess(header).level is RiskLevel.HIGH


async def test_a_preamble_in_use_is_told() -> None:
    """128 bytes may hold a TIFF header, and whatever else."""
    file = part10(element(0x00080060, "CS", b"CT"))

    assert assess(await header_of(file)).level is RiskLevel.NONE
    assert names_in(await header_of(b"II*\0" + file[4:])) == {"PREAMBLE"}


@pytest.mark.parametrize(
    ("elements", "signal"),
    [
        ([element(0x00280301, "CS", b"YES ")], "BURNED_IN_STATED"),
        ([element(0x00280302, "CS", b"YES ")], "FACE_STATED"),
        ([element(0x00080060, "CS", b"US")], "BURNED_IN_MODALITY"),
        ([element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0")], "BURNED_IN_SOP_CLASS"),
        ([element(0x00080008, "CS", b"DERIVED\\SECONDARY ")], "BURNED_IN_IMAGE_TYPE"),
        (
            [element(0x00080008, "CS", b"DERIVED\\PRIMARY "), element(0x00080060, "CS", b"CT")],
            "BURNED_IN_IMAGE_TYPE",
        ),
        ([element(0x00081090, "LO", b"LOGIQE9 ")], "BURNED_IN_DEVICE"),
        ([element(0x00080064, "CS", b"DF")], "BURNED_IN_DEVICE"),
        ([], "NO_IMAGE_TYPE"),
    ],
)
async def test_signals_of_burned_in_text(elements: list[bytes], signal: str) -> None:
    """Each speaks by itself; without pixel data none does."""
    assert signal in names_in(await header_of(part10(*elements, PIXELS)))
    assert signal not in names_in(await header_of(part10(*elements)))


async def test_a_plain_acquisition_gives_no_signal() -> None:
    """An original, primary CT slice."""
    header = await header_of(
        part10(element(0x00080008, "CS", b"ORIGINAL\\PRIMARY"), element(0x00080060, "CS", b"CT"), PIXELS)
    )

    assert assess(header) == RiskAssessment(RiskLevel.NONE)


@pytest.mark.parametrize(("modality", "level"), [(b"OT", RiskLevel.LOW), (b"US", RiskLevel.MEDIUM)])
async def test_no_burned_in_annotation_lessens_guesses_but_not_for_ultrasound(
    modality: bytes, level: RiskLevel
) -> None:
    """NO is what a vendor set."""
    header = await header_of(
        part10(
            element(0x00080008, "CS", b"ORIGINAL\\PRIMARY"),
            element(0x00080060, "CS", modality),
            element(0x00280301, "CS", b"NO"),
            PIXELS,
        )
    )

    assert assess(header).level is level


async def test_removed_identity_lessens_what_may_be_dummies() -> None:
    """A dummy name is no name; the pixels say what they say."""
    removed = element(0x00120062, "CS", b"YES ")
    name = await header_of(part10(element(0x00100010, "PN", b"A^B "), removed))
    burned = await header_of(part10(removed, element(0x00280301, "CS", b"YES "), PIXELS))

    assert assess(name).level is RiskLevel.MEDIUM
    assert assess(burned).level is RiskLevel.HIGH


async def test_an_assessment_survives_packing() -> None:
    """Every bit, and the level."""
    made = assess(await header_of(bundled("test_files/CT_small.dcm")))

    assert made.level is RiskLevel.HIGH
    assert RiskAssessment.unpack(made.pack()) == made
    assert RiskAssessment.unpack(made.pack().replace(EDITION, "2020a.1")) is None


async def test_a_roll_up_has_the_gravest_level_and_every_rule() -> None:
    """A study is as grave as its gravest instance."""
    low = RiskAssessment(RiskLevel.LOW, 0b101)
    high = RiskAssessment(RiskLevel.HIGH, 0b010)

    assert roll_up([low, high]) == RiskAssessment(RiskLevel.HIGH, 0b111)
    assert roll_up([]) == RiskAssessment(RiskLevel.NONE)


@pytest.mark.parametrize("name", readable_files())
async def test_every_bundled_file_is_assessed(name: str) -> None:
    """What the assessment keeps is what the findings are, for every kind of file."""
    header = await header_of(bundled(name))
    found = list(findings(header))

    assert set(assess(header).rules()) == {finding.rule for finding in found}
    assert all(Weights.of(header).level_of(finding.rule) <= assess(header).level for finding in found)


async def test_a_sequence_of_twenty_thousand_items_is_assessed() -> None:
    """As many findings as there are names."""
    items = item(element(0x00100010, "PN", b"A^B ")) * 20_000
    header = await header_of(part10(element(0x00101002, "SQ", items)))

    assert sum(finding.rule.tag == "00100010" for finding in findings(header)) == 20_000
    assert assess(header).level is RiskLevel.HIGH


def test_masked_rows_mean_any_even_group_of_theirs() -> None:
    """60xx4000 is (6002,4000) too; odd groups are private."""
    rule = rule_of(0x6002_4000)

    assert rule is not None
    assert rule.tag == "60xx4000"
    assert rule_of(0x6002_0010) is None
    assert importlib.resources.files("shared.dicom.risk").joinpath("rules.tsv").is_file()
