import re

from src.operations.known_schema import ROOT
from tests.protections import PROTECTIONS

FAULTS = 60


def promised() -> dict[int, set[str]]:
    """The tests that docs/promises.md names for each fault."""
    found: dict[int, set[str]] = {}
    for row in (ROOT / "docs" / "promises.md").read_text().splitlines():
        if match := re.match(r"\| ([\d, ]+) \|.*\|(.*)\|$", row):
            for number in match[1].split(","):
                found[int(number)] = set(re.findall(r"`(test_\w+)`", match[2]))
    return found


def named() -> set[str]:
    """Every test that docs/promises.md names."""
    return set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "promises.md").read_text()))


def written() -> set[str]:
    files = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return {name for text in files for name in re.findall(r"def (test_\w+)", text)}


def test_every_fault_has_tests_and_all_of_them_are_there() -> None:
    promises = promised()
    assert sorted(promises) == list(range(1, FAULTS + 1))
    assert [number for number, tests in promises.items() if not tests] == []
    assert named() - written() == set()


def test_what_is_switched_off_is_there_and_so_is_the_test_that_should_fail() -> None:
    for protection in PROTECTIONS:
        assert (ROOT / protection.file).read_text().count(protection.code) == 1, protection.what
        tests = set(re.findall(r"test_\w+", protection.test))
        assert tests <= written()
        of_fault = promised()[int(protection.fault)] if protection.fault.isdigit() else named()
        assert tests & of_fault, protection.what
