import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.folder import folder_name

ID = UUID("0a1b2c3d-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    ("topic", "grade", "name"),
    [
        ("Cell Biology", "Grade 8", "cell-biology-grade-8-0a1b2c3d"),
        ("../..", "../../etc", "course-etc-0a1b2c3d"),
        ("/etc/passwd", "", "etc-passwd-0a1b2c3d"),
        ("CON", "", "con-0a1b2c3d"),
        ("..", "..", "course-0a1b2c3d"),
        ("C:\\Windows", "x", "c-windows-x-0a1b2c3d"),
        ("🎓🎓", "Grade 8", "course-grade-8-0a1b2c3d"),
        ("a\u202eb\u0000c", "", "a-b-c-0a1b2c3d"),
        ("प्रकाश संश्लेषण", "कक्षा 8", "प्रकाश-संश्लेषण-कक्षा-8-0a1b2c3d"),
        ("الخلية الحية", "8", "الخلية-الحية-8-0a1b2c3d"),
        ("Straße ﬁ", "", "strasse-fi-0a1b2c3d"),
    ],
)
def test_names(topic: str, grade: str, name: str) -> None:
    assert folder_name(topic, grade, ID) == name


def test_a_longer_id_tells_courses_apart_that_share_the_short_one() -> None:
    assert folder_name("a", "b", ID, id_length=32) == "a-b-0a1b2c3d000040008000000000000000"


@given(st.text(max_size=400), st.text(max_size=200), st.uuids())
def test_any_topic_gives_one_safe_name_of_bounded_length(topic: str, grade: str, course_id: UUID) -> None:
    name = folder_name(topic, grade, course_id)
    assert len(name.encode()) <= 200
    assert name.endswith(course_id.hex[:8])
    assert all(unicodedata.category(character)[0] in "LMN" or character == "-" for character in name)
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        assert path.parts == (name,)
        assert not path.is_absolute()
    assert not PureWindowsPath(name).is_reserved()
