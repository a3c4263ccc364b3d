"""Reads files as Markdown, without what isn't the text of a book, a page or a paper."""

import codecs
import io
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import mammoth  # type: ignore[import-untyped]
from bs4 import BeautifulSoup
from bs4.element import Tag
from markdownify import ATX, MarkdownConverter
from pypdf import PdfReader
from pypdf.errors import DependencyError

from src.domain.errors import OperatorError
from src.domain.markdown_syntax import atx_heading
from src.domain.source import HEADING_CHARACTERS
from src.domain.text import cleaned, has_control_characters, printable
from src.services.folders import Folder

MOST_BYTES = 50 * 1024 * 1024
"""The largest file that is read."""
_LOCKED = "it is encrypted; save it without a password"
_UNKNOWN_ENCODING = "it can't be read, as its encoding is unknown; save it as UTF-8"
# The marks of UTF-32 go before those of UTF-16: FF FE begins both little-endian ones.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The share of characters beyond ASCII that a text in cp1252 may have. French has some 5 per cent; of a text in another
# script, misread as cp1252, nearly all are.
_MOST_ACCENTED = 0.25

# pypdf gives this for a sign that the font has no name for. Formulas have some such signs; in prose, a word with one
# lacks a letter.
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_UNREADABLE_IN_WORD = re.compile(rf"(?<=[^\W\d_]){_UNREADABLE}+(?=[^\W\d_])")
# A page is refused if more signs than this share of its characters are unreadable, unless they are few.
_MOST_UNREADABLE = 0.25
_FEW_UNREADABLE = 20

_TEXT = frozenset({".md", ".markdown", ".txt"})
_HTML = frozenset({".html", ".htm"})
SUFFIXES = frozenset({*_TEXT, *_HTML, ".docx", ".pdf"})
"""The suffixes, in lower case, of the kinds of files that can be read."""

# Elements of a web page that hold nothing of its text.
_NO_TEXT = ("script", "style", "noscript", "template", "svg", "nav", "aside", "form", "button")
# The number of a footnote, which would be read as a number of the text, and the arrow that leads back from the note.
_FOOTNOTE_REFERENCES = ", ".join(
    (
        'sup:has(a[href*="#"])',
        ':is(a, sup)[class*="footnote"]',
        'a[role="doc-noteref"]',
        'a[role="doc-backlink"]',
        'a[href^="#fnref"]',
        'a[href^="#footnote-ref"]',
    )
)
_SUPERSCRIPTS = str.maketrans("0123456789+-\N{MINUS SIGN}=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPTS = str.maketrans("0123456789+-\N{MINUS SIGN}=()ni", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₙᵢ")
# "1st" is a word, and "1^st" would be none.
_ORDINAL_ENDS = frozenset({"st", "nd", "rd", "th"})


class UnreadableDocument(OperatorError):
    """No text can be read from a file. The message says which file, what is wrong with it, and what to do."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """The title and text of a file."""

    title: str
    text: str
    """Markdown, with one kind of line end and no control characters but line breaks and tabs."""


def read_document(folder: Folder, place: PurePath) -> DocumentText:
    """Reads the text of a file, whose suffix tells its kind (see `SUFFIXES`). Raises `UnreadableDocument`.

    `place` is its path in the folder; no link on it is followed. The title is what the file gives as such, else its
    first heading, else the name of the file.
    """
    path = folder.path / place
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnreadableDocument(f"{path}: files of this kind can't be read; convert it to one of {_kinds()}")
    try:
        data = _bytes(folder, place)
    except OSError as error:
        raise UnreadableDocument(f"{path}: {error.strerror or error}; see that it is there and may be read") from error
    try:
        title, text = _title_and_text(path, suffix, data)
    except UnreadableDocument:
        raise
    except DependencyError as error:
        raise UnreadableDocument(f"{path}: {_LOCKED}") from error
    except Exception as error:  # on a broken file, the libraries that read formats may raise anything
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UnreadableDocument(
            f"{path}: it is no valid {suffix[1:].upper()} file ({printable(what, 200)}); open it in the program that"
            " made it and save it again"
        ) from error
    text = cleaned(text)
    if not text.strip():
        raise UnreadableDocument(f"{path}: there is no text in it; leave it out, or convert it with text recognition")
    title = " ".join(cleaned(title).split())[:HEADING_CHARACTERS]
    return DocumentText(title or _first_heading(text) or path.stem, text)


def _bytes(folder: Folder, place: PurePath) -> bytes:
    with folder.below(place.parent) as parent:
        size = parent.status(place.name).st_size
        if size > MOST_BYTES:
            said = f"it has {size / 1024 / 1024:.0f} MB, at most {MOST_BYTES // 1024 // 1024} are read; split it"
            raise UnreadableDocument(f"{folder.path / place}: {said}")
        return parent.read(place.name, MOST_BYTES)


def _title_and_text(path: Path, suffix: str, data: bytes) -> tuple[str, str]:
    if suffix in _TEXT:
        return "", _decoded(path, data)
    if suffix in _HTML:
        return _page(path, data)
    if suffix == ".docx":
        return _page(path, mammoth.convert_to_html(io.BytesIO(data)).value.encode())
    return _pdf(path, data)


def _decoded(path: Path, data: bytes) -> str:
    marked = (pair for pair in _BYTE_ORDER_MARKS if data.startswith(pair[0]))
    mark, encoding = next(marked, (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = ""
        if mark or not text or not _looks_like_cp1252(text):
            raise UnreadableDocument(f"{path}: {_UNKNOWN_ENCODING}") from error
        return text


def _looks_like_cp1252(text: str) -> bool:
    """Returns whether a text is in a language of western Europe, most of whose letters are ASCII.

    That it could be decoded says little: cp1252 has a character for nearly every byte.
    """
    if has_control_characters(text, frozenset("\n\r\t\f")):
        return False
    visible = [character for character in text if not character.isspace()]
    return sum(not character.isascii() for character in visible) <= _MOST_ACCENTED * len(visible)


def _page(path: Path, data: bytes) -> tuple[str, str]:
    soup = BeautifulSoup(data, "html.parser")
    if soup.contains_replacement_characters:
        raise UnreadableDocument(f"{path}: {_UNKNOWN_ENCODING}")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(_NO_TEXT):
        tag.decompose()
    for tag in soup(("header", "footer")):
        if tag.find_parent(("article", "main")) is None:  # within them they hold the text's own title and notes
            tag.decompose()
    for tag in soup.select(_FOOTNOTE_REFERENCES):
        tag.decompose()
    body: Tag = soup.find("main") or soup.find("article") or soup.body or soup
    for tag in body("img"):
        tag.decompose()
    converter: Any = _Converter(heading_style=ATX, bullets="-", strip=["a"], escape_misc=False)
    return title, str(converter.convert_soup(body))


class _Converter(MarkdownConverter):
    """Converts HTML to Markdown, and keeps superscripts and subscripts as such: 10⁶ is not 106."""

    def convert_sup(self, el: Tag, text: str, parent_tags: object) -> str:
        """Converts `<sup>`. The library calls this by its name, as it does `convert_sub`."""
        return text if text.strip() in _ORDINAL_ENDS else _scripted(text, _SUPERSCRIPTS, "^")

    def convert_sub(self, el: Tag, text: str, parent_tags: object) -> str:
        """Converts `<sub>`."""
        return _scripted(text, _SUBSCRIPTS, "_")


def _scripted(text: str, characters: dict[int, int], sign: str) -> str:
    text = text.strip()
    if all(ord(character) in characters for character in text):
        return text.translate(characters)
    return f"{sign}{text}" if text.isalnum() else f"{sign}({text})"


def _pdf(path: Path, data: bytes) -> tuple[str, str]:
    reader = PdfReader(io.BytesIO(data))
    # Many files are locked against printing only, and open without a password.
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocument(f"{path}: {_LOCKED}")
    title = reader.metadata.title if reader.metadata else None
    pages = [
        f"## Page {number}\n\n{joined_lines(_readable(path, number, page.extract_text()))}\n"
        for number, page in enumerate(reader.pages, start=1)
    ]
    if not any(page.partition("\n\n")[2].strip() for page in pages):
        raise UnreadableDocument(f"{path}: there is no text in it, only pictures; convert it with text recognition")
    return title or "", "\n".join(pages)


def _readable(path: Path, number: int, text: str) -> str:
    """Returns the text of a page without its unreadable signs, which no quotation could match.

    Raises `UnreadableDocument` if too much of the page is unreadable.
    """
    unreadable = text.count(_UNREADABLE)
    if unreadable > max(_FEW_UNREADABLE, _MOST_UNREADABLE * len("".join(text.split()))):
        raise UnreadableDocument(
            f"{path}: page {number}: most of its text can't be read, as its fonts don't say what their characters are;"
            " convert it with text recognition"
        )
    # Inside a word such a sign is a letter, mostly a ligature; elsewhere it may be a dash: 5-10 is not 510.
    return _UNREADABLE_IN_WORD.sub("", text).replace(_UNREADABLE, " ")


def joined_lines(text: str) -> str:
    """Undoes the line breaks of a page's layout: each paragraph becomes one line, and each divided word one word."""
    lines = [line.strip() for line in text.splitlines()]
    longest = max(map(len, lines), default=0)
    paragraphs: list[str] = []
    ends = True
    for line in lines:
        if not line:
            ends = True
        elif ends:
            paragraphs.append(line)
            ends = _ends_a_paragraph(line, longest)
        else:
            divided = re.search(r"[^\W\d_]-$", paragraphs[-1]) and line[0].islower()
            paragraphs[-1] = paragraphs[-1][:-1] + line if divided else f"{paragraphs[-1]} {line}"
            ends = _ends_a_paragraph(line, longest)
    # A number sign at the start of a line would make it a heading.
    return "\n\n".join(
        f"\\{paragraph}" if atx_heading(paragraph) is not None else paragraph for paragraph in paragraphs
    )


def _ends_a_paragraph(line: str, longest: int) -> bool:
    # That is, if it ends a sentence well before the margin.
    return line.endswith((".", "!", "?", ":", "।", "؟", "。")) and len(line) < 0.8 * longest


def _first_heading(text: str) -> str:
    return next((title for line in text.split("\n") if (title := atx_heading(line))), "")


def _kinds() -> str:
    return ", ".join(sorted(SUFFIXES))
