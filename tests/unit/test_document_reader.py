"""Files of every kind, made here with the libraries that make them, and some that are none."""

import os
import zipfile
from pathlib import Path, PurePath

import docx
import pytest
from fpdf import FPDF
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from src.domain.passage_splitting import split
from src.services.folders import Folder
from src.services.sources import document_reader
from src.services.sources.document_reader import DocumentText, UnreadableDocument, joined_lines

PAGE = """<!doctype html><html><head><title>All about cells</title><style>p {}</style><script>evil()</script></head>
<body><header>Site</header><nav><a href="/">Home</a></nav><main><h1>Cells</h1><p>A <b>cell</b> is <a href="x">small</a>.
</p><h2>Membrane</h2><ul><li>outer</li><li>inner</li></ul><form><input></form></main><footer>Imprint</footer></body>"""


def read(path: Path) -> DocumentText:
    with Folder.opened(path.parent) as folder:
        return document_reader.read_document(folder, PurePath(path.name))


def sections(document: DocumentText) -> list[tuple[str, str]]:
    return [(part.section, document.text[part.start : part.end]) for part in split(document.text)]


def test_markdown_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.MD").write_bytes(b"\xef\xbb\xbfBefore\r\n\r\n# Cells\r\n\x00One two.\x0c")
    document = read(tmp_path / "a.MD")
    assert document == DocumentText("Cells", "Before\n\n# Cells\nOne two.\n")


def test_text_without_a_heading_is_named_after_its_file(tmp_path: Path) -> None:
    (tmp_path / "cells.txt").write_text("One.")
    assert read(tmp_path / "cells.txt").title == "cells"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_in_the_encodings_that_can_be_told(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("Die Zelle \N{EN DASH} größer als das Virus".encode(encoding))
    assert read(tmp_path / "a.txt").text == "Die Zelle \N{EN DASH} größer als das Virus"


def test_text_with_the_other_byte_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xfe\xff" + "Zelle".encode("utf-16-be"))
    assert read(tmp_path / "a.txt").text == "Zelle"


@pytest.mark.parametrize(
    "content",
    [
        "Клетка — основа жизни".encode("cp1251"),
        "细胞是生命的基本单位".encode("gbk"),
        b"One\xff two.\x00\x01",
        b"A cell\x81 is small.",
        b"\xff\xfeA\x00\x00",
        b"\xef\xbb\xbfA\xff cell",
    ],
)
def test_text_in_an_unknown_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.md").write_bytes(content)
    with pytest.raises(UnreadableDocument, match=r"a\.md: .*encoding is unknown; save it as UTF-8"):
        read(tmp_path / "a.md")


def test_a_page_that_breaks_its_own_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b'<meta charset="utf-8"><p>Cells\x81 \xff\xd8 are \x9d small.</p>')
    with pytest.raises(UnreadableDocument, match="encoding is unknown"):
        read(tmp_path / "a.html")


def test_of_a_page_only_what_is_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    document = read(tmp_path / "a.html")
    assert document.title == "All about cells"
    assert sections(document) == [("Cells", "A **cell** is small."), ("Membrane", "- outer\n- inner")]


def test_word(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_heading("Cells", 1)
    made.add_paragraph("A cell is small.")
    made.add_heading("Membrane", 2)
    made.add_paragraph("It is a border.")
    made.save(str(tmp_path / "a.docx"))
    document = read(tmp_path / "a.docx")
    assert document.title == "Cells"
    assert sections(document) == [("Cells", "A cell is small."), ("Membrane", "It is a border.")]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("10<sup>6</sup> cells", "10⁶ cells"),
        ("10<sup>-6</sup> m, 10<sup>\N{MINUS SIGN}3</sup> l", "10⁻⁶ m, 10⁻³ l"),
        ("H<sub>2</sub>O, Ca<sup>2+</sup>, x<sup>n</sup>, a<sub>i</sub>", "H₂O, Ca²⁺, xⁿ, aᵢ"),
        ("v<sub>max</sub>, e<sup>kt</sup>, e<sup>-x/2</sup>", "v_max, e^kt, e^(-x/2)"),
        ("the 21<sup>st</sup> century", "the 21st century"),
        ("It is so.<sup></sup>", "It is so."),
        ('Of 100<sup><a href="#fn12" id="r">12</a></sup> cells', "Of 100 cells"),
        ('Of 100<sup class="footnote-ref">12</sup> cells', "Of 100 cells"),
        ('Of 100<a role="doc-noteref" href="notes.html">12</a> cells', "Of 100 cells"),
        ('<ol class="footnotes"><li>See 1. <a href="#fnref1">↩</a></li></ol>', "1. See 1."),
    ],
)
def test_what_is_raised_or_lowered_stays_apart_and_footnote_numbers_go(tmp_path: Path, page: str, text: str) -> None:
    (tmp_path / "a.html").write_text(f"<main><p>{page}</p></main>")
    assert read(tmp_path / "a.html").text.strip() == text


def test_word_keeps_what_is_raised(tmp_path: Path) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("Some 10")
    paragraph.add_run("6").font.superscript = True
    paragraph.add_run(" of CO")
    paragraph.add_run("2").font.subscript = True
    made.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").text.strip() == "Some 10⁶ of CO₂"


@pytest.mark.parametrize("tag", ["article", "main"])
def test_the_header_of_an_article_holds_its_title(tmp_path: Path, tag: str) -> None:
    page = f"<header><h1>Site</h1></header><{tag}><header><h1>Cells</h1></header><p>A cell is small.</p></{tag}>"
    (tmp_path / "a.html").write_text(f"<body>{page}<footer>Imprint</footer></body>")
    document = read(tmp_path / "a.html")
    assert document.title == "Cells"
    assert sections(document) == [("Cells", "A cell is small.")]


def pdf(path: Path, *pages: str, password: str | None = None) -> Path:
    made = FPDF()
    made.set_font("helvetica", size=12)
    made.set_title("On cells")
    for text in pages:
        made.add_page()
        made.multi_cell(60, 6, text)
    if password is not None:
        made.set_encryption(owner_password="owner", user_password=password)
    made.output(str(path))
    return path


def test_pdf_has_a_section_for_each_page_and_no_broken_lines(tmp_path: Path) -> None:
    first = "A cell is the smallest unit of all that lives, and every living thing is made of one cell or of many."
    document = read(pdf(tmp_path / "a.pdf", first, "Membranes are borders."))
    assert document.title == "On cells"
    assert sections(document) == [("Page 1", first), ("Page 2", "Membranes are borders.")]


def test_a_pdf_that_opens_without_a_password_is_read(tmp_path: Path) -> None:
    assert "cell" in read(pdf(tmp_path / "a.pdf", "A cell.", password="")).text


def pdf_with_gaps(path: Path, *pages: str) -> Path:
    """A PDF whose font doesn't say which character its "~" is."""
    writer = PdfWriter(clone_from=pdf(path, *pages))
    (font,) = writer.pages[0]["/Resources"]["/Font"].values()  # type: ignore[index]
    names = DecodedStreamObject()
    names.set_data(
        b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange\n1 beginbfchar\n<7E> <FFFD>\nendbfchar"
    )
    font.get_object()[NameObject("/ToUnicode")] = names
    writer.write(path)
    return path


def test_a_page_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(pdf_with_gaps(tmp_path / "a.pdf", "A cell is small.", "A c~~l i~ th~ s~~~~~st ~n~t. " * 4))
    assert str(caught.value).startswith(f"{tmp_path / 'a.pdf'}: page 2: most of its text can't be read")


def test_what_can_not_be_read_of_a_page_is_left_out_and_joins_no_numbers(tmp_path: Path) -> None:
    document = read(pdf_with_gaps(tmp_path / "a.pdf", "~ An ef~cient cell has 5~10 parts.", "~"))
    assert sections(document) == [("Page 1", "An efcient cell has 5 10 parts.")]


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("Photosyn-\nthesis is how\nplants live.", "Photosynthesis is how plants live."),
        ("The Anglo-\nSaxon and the\nB-1 cell", "The Anglo- Saxon and the B-1 cell"),
        ("One line that is long enough.\nEnd.\nAnother line that is long", "One line that is long enough. End.\n\n"
         "Another line that is long"),
        ("One.\n\nTwo.", "One.\n\nTwo."),
        ("# no heading", "\\# no heading"),
        ("", ""),
    ],
)  # fmt: skip
def test_lines_of_a_layout(layout: str, text: str) -> None:
    assert joined_lines(layout) == text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.md", b"", "there is no text in it"),
        ("a.txt", b" \n\x00", "there is no text in it"),
        ("a.html", b"<nav>Home</nav>", "there is no text in it"),
        ("a.docx", b"PK no zip", "no valid DOCX file"),
        ("a.docx", b"", "no valid DOCX file"),
        ("a.pdf", b"%PDF-1.4 broken", "no valid PDF file"),
        ("a.pdf", b"", "no valid PDF file"),
        ("a.pptx", b"x", "convert it to one of .docx, .htm"),
    ],
)
def test_what_can_not_be_read_is_named_with_the_reason(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ") and says in str(caught.value)


def test_more_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableDocument, match="encrypted; save it without a password"):
        read(pdf(tmp_path / "locked.pdf", "A cell.", password="secret"))
    with pytest.raises(UnreadableDocument, match="only pictures"):
        read(pdf(tmp_path / "blank.pdf", ""))
    with zipfile.ZipFile(tmp_path / "other.docx", "w") as archive:
        archive.writestr("hello.txt", "no document")
    with pytest.raises(UnreadableDocument, match="no valid DOCX"):
        read(tmp_path / "other.docx")
    with pytest.raises(UnreadableDocument, match="No such file"):
        read(tmp_path / "gone.md")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(UnreadableDocument, match="no regular file"):
        read(tmp_path / "folder.md")
    monkeypatch.setattr(document_reader, "MOST_BYTES", 3 * 1024 * 1024)
    (tmp_path / "big.md").touch()
    os.truncate(tmp_path / "big.md", 4 * 1024 * 1024)
    with pytest.raises(UnreadableDocument, match="it has 4 MB, at most 3 are read; split it"):
        read(tmp_path / "big.md")
