import pytest

from src.domain.redaction import Redactor


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("key sk-abcdefghijklmnop wrong", "key [hidden] wrong"),
        ("Incorrect API key provided: sk-wrong*****cret.", "Incorrect API key provided: [hidden]."),
        ("postgresql+psycopg2://me:hunter2@db:5432/x", "postgresql+psycopg2://me:[hidden]@db:5432/x"),
        ("amqp://guest:p%40ss@broker/", "amqp://guest:[hidden]@broker/"),
        ("host=db password=hunter2 user=me", "host=db password=[hidden] user=me"),
        ("host=db password='hun ter' user=me", "host=db password=[hidden] user=me"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [hidden]"),
        ("https://example.org/path?a=b", "https://example.org/path?a=b"),
        ("10:30 at task-force", "10:30 at task-force"),
    ],
)
def test_what_secrets_look_like(text: str, clean: str) -> None:
    assert Redactor()(text) == clean


def test_the_secrets_of_this_process_whatever_they_look_like() -> None:
    redact = Redactor(["correct horse", "correct horse battery"])
    assert redact("it is correct horse battery, or correct horse") == "it is [hidden], or [hidden]"


def test_a_long_word_takes_no_longer_than_its_length() -> None:
    """With a search that begins at every letter this would take minutes."""
    text = "x" * 1_000_000
    assert Redactor(["secret-of-ours"])(text) == text


@pytest.mark.parametrize("secret", ["", "abc", "guest"])
def test_what_is_no_telling_secret_blots_out_no_words(secret: str) -> None:
    assert Redactor([secret])("a guest said abc") == "a guest said abc"
