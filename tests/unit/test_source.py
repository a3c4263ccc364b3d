import pytest

from src.domain.source import passes_filter


@pytest.mark.parametrize(
    ("document", "source_filter", "passes"),
    [
        ("microbiology/1-3.md", None, True),
        ("microbiology/1-3.md", "", True),
        ("microbiology/1-3.md", "microbiology", True),
        ("microbiology/1-3.md", "microbiology/", True),
        ("microbiology/1-3.md", "/microbiology", True),
        ("/microbiology//1-3.md", "microbiology", True),
        ("microbiology/1-3.md", "microbiology/1-3.md", True),
        ("microbiology/1-3.md", "micro", False),
        ("microbiology/1-3.md", "microbiology/1", False),
        ("microbiology/1-3.md", "Microbiology", False),
        ("old/microbiology/1-3.md", "microbiology", False),
        ("1-3.md", "microbiology", False),
    ],
)
def test_a_filter_is_a_prefix_of_whole_segments(document: str, source_filter: str | None, passes: bool) -> None:
    assert passes_filter(document, source_filter) is passes
