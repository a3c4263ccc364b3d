"""`python app.py sources …` as an operator uses it: files of every kind, and what goes wrong with some."""

import os
import subprocess
import sys
from pathlib import Path

import docx
import pytest
from fpdf import FPDF

from src.operations.known_schema import ROOT
from tests.acceptance.test_scripts import script
from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents in four formats and three languages, and what isn't one."""
    folder = tmp_path / "books"
    (folder / "cells").mkdir(parents=True)
    (folder / "cells" / "membrane.md").write_text(
        "# The membrane\n\nThe membrane is the border of every cell. Water passes through it by osmosis."
    )
    (folder / "cells" / "zellen.html").write_text(
        "<html><body><nav>Start</nav><h1>Zellen</h1><p>Die Zellen der Pflanzen haben feste Wände aus Zellulose, und"
        " jede einzelne von ihnen ist von einer dünnen Haut umgeben.</p></body></html>"
    )
    word = docx.Document()
    word.add_heading("कोशिका", 1)
    word.add_paragraph("पौधों की कोशिकाओं में एक मज़बूत भित्ति होती है जो उन्हें आकार देती है।")
    word.save(str(folder / "koshika.docx"))
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.multi_cell(60, 6, "Photosynthesis turns light into sugar. It happens in the leaves of all green plants.")
    pdf.output(str(folder / "light.pdf"))
    (folder / ".hidden.md").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "notes.md").write_text("secret")
    (folder / "picture.png").write_bytes(b"x")
    (tmp_path / "outside.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    (folder / "out").symlink_to(tmp_path)
    return folder


class Sources:
    """The command, with the settings of a worker."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment, self._folder = environment, folder

    def __call__(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return self._run(0, arguments, settings)

    def fails(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return self._run(1, arguments, settings)

    def _run(
        self, code: int, arguments: tuple[str, ...], settings: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        done = script(self._environment, self._folder, str(ROOT / "app.py"), "sources", *arguments, **settings)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def sources(environment: dict[str, str], tmp_path: Path) -> Sources:
    return Sources(environment, tmp_path)


def test_from_a_folder_to_passages_and_back(sources: Sources, folder: Path, psql: Psql) -> None:
    added = sources("add", str(folder), "--prefix", "biology/")
    assert added.stdout == "4 added, 0 changed, 0 unchanged, 0 failed; 4 passages written\n"
    assert added.stderr == "Left out, as they are of other kinds: 1 (picture.png)\n"
    (folder / "cells" / "membrane.md").write_text(
        "# The membrane\n\nThe membrane is a thin border.\n\n# More\n\nWater passes through the membrane of every cell."
    )
    (folder / "light.pdf").unlink()
    assert sources("add", str(folder), "--prefix", "biology").stdout == (
        "0 added, 1 changed, 2 unchanged, 0 failed; 2 passages written\n"
    )
    listed = sources("list").stdout.splitlines()
    assert [line.split()[:3] for line in listed] == [
        ["path", "language", "passages"],
        ["biology/cells/membrane.md", "en", "2"],
        ["biology/cells/zellen.html", "de", "1"],
        ["biology/koshika.docx", "hi", "1"],
        ["biology/light.pdf", "en", "1"],
    ]
    assert len(sources("list", "biology/cells").stdout.splitlines()) == 3
    assert "Nothing is under 'bio'" in sources.fails("list", "bio").stderr

    found = sources("search", "thin membranes", "--filter", "biology/cells/").stdout.splitlines()
    assert found[0].endswith("biology/cells/membrane.md › The membrane  [16:46]")
    assert found[1] == "    The membrane is a thin border."
    assert "light.pdf › Page 1" in sources("search", "photosynthesis", "--limit", "1").stdout
    assert sources("search", "secret").stdout == "Nothing was found.\n"

    assert "2 removed" in sources("remove", "biology/cells/").stdout
    assert "Nothing is under 'biology/cells/'" in sources.fails("remove", "biology/cells/").stderr
    assert psql.value("SELECT count(*) FROM source_passages") == 2
    assert "2 removed" in sources("remove", "biology").stdout
    assert "The library is empty" in sources("list").stdout


def test_what_can_not_be_read_is_named_at_the_end_and_the_rest_is_there(sources: Sources, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7")
    (folder / "empty.txt").touch()
    (folder / "bare.md").write_text("# Only\n\n## Headings")
    (folder / "zeile\numbruch.md").write_text("A name of two lines.")
    done = sources.fails("add", str(folder))
    assert done.stdout == "4 added, 0 changed, 0 unchanged, 4 failed; 4 passages written\n"
    failed = done.stderr.splitlines()
    assert failed[0] == f"{folder}/bare.md: there is no text in it but headings; leave it out"
    assert failed[1].startswith(f"{folder}/broken.pdf: it is no valid PDF file")
    assert failed[2].startswith(f"{folder}/empty.txt: there is no text in it")
    assert failed[3] == r"'zeile\numbruch.md': there are signs in its name that can't be kept; rename it"


def test_of_many_files_of_other_kinds_the_first_are_named(sources: Sources, folder: Path) -> None:
    for number in range(7):
        (folder / f"{number}.csv").touch()
    (folder / "cells" / "a.tex").touch()
    os.mkfifo(folder / "pipe.md")  # nobody writes into it: whoever reads it waits
    assert sources("add", str(folder)).stderr == (
        "Left out, as they are of other kinds: 10 (0.csv, 1.csv, 2.csv, 3.csv, 4.csv, …)\n"
    )


def test_one_file_with_its_language(sources: Sources, folder: Path, psql: Psql) -> None:
    sources("add", str(folder / "cells" / "membrane.md"), "--prefix", "a/b", "--language", "pt-BR")
    assert psql.row("SELECT path, language, configuration FROM source_documents") == {
        "path": "a/b/membrane.md",
        "language": "pt-BR",
        "configuration": "portuguese",
    }


def test_mistakes_are_told_in_one_line(sources: Sources, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    mistakes: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
        (("add", "/no/such"), {}, "/no/such: there is no such file or folder"),
        (("add", str(tmp_path / "bare")), {}, "no file in it can be read; those are: .docx"),
        (("add", str(folder), "--language", "German!"), {}, "give a BCP 47 tag, such as de"),
        (("add", str(folder / "picture.png")), {}, "convert it to one of .docx"),
        (("remove", "/"), {}, "Nothing is under '/'"),
        (("add", str(folder), "--prefix", "../x"), {}, "--prefix ../x: give a place in the library"),
        (("add", str(folder), "--prefix", "x/./y"), {}, "--prefix x/./y: give a place in the library"),
        (("add", str(folder), "--prefix", "/biology"), {}, "without / before it"),
        (("add", str(folder), "--prefix", "C:/biology"), {}, "give a place in the library"),
        (("search", ""), {}, "There is no word in ''"),
        (("search", " ?! "), {}, "There is no word in ' ?! '"),
        (("list",), {"DB_PORT": "1", "DB_PATIENCE": "0.1"}, "check DB_HOST, DB_PORT"),
        (("search", "x"), {"DB_PORT": "1", "DB_PATIENCE": "0.1"}, "check DB_HOST, DB_PORT"),
        (("list",), {"DB_NAME": "postgres"}, "python app.py db upgrade"),
    )
    for arguments, settings, says in mistakes:
        done = sources.fails(*arguments, **settings)
        assert says in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_worker_that_looks_elsewhere_is_pointed_out(sources: Sources) -> None:
    assert "VECTOR_DB_ID is set" in sources("list", VECTOR_DB_ID="vs_1").stderr


def test_embeddings_are_made_for_what_has_none(sources: Sources, folder: Path, psql: Psql, stand_in: StandIn) -> None:
    sources("add", str(folder))
    stand_in.fault("401", times=1)
    settings = {"OPENAI_EMBEDDING_MODEL": "stand-in"}
    done = sources.fails("add", str(folder), **settings)
    assert "Not all passages could be embedded" in done.stderr
    assert "0 added, 0 changed, 4 unchanged" in sources("add", str(folder), **settings).stdout
    assert psql.value("SELECT count(*) FROM source_embeddings WHERE model = 'stand-in'") == 4
    assert "membrane.md" in sources("search", "membrane", **settings).stdout
    psql.run("DROP TABLE source_embeddings")
    done = sources("add", str(folder), **settings)
    assert "no pgvector: sources are found by words only" in done.stderr
    done = sources.fails("add", str(folder), OPENAI_BASE_URL="", **settings)
    assert "set OPENAI_API_KEY or OPENAI_BASE_URL" in done.stderr


def test_what_a_course_has_embedded_is_on_record_with_its_calls(
    sources: Sources, workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    settings = {"OPENAI_EMBEDDING_MODEL": "stand-in's", "OPENAI_PRICE_EMBEDDING": "1000000"}
    settings |= {"OPENAI_PRICE_INPUT": "0", "OPENAI_PRICE_OUTPUT": "0"}
    sources("add", str(ROOT / "samples"), **settings)
    workers.start(**settings)
    upstream.request(user_id, topic="Cell Biology", num_lessons=2)
    usage = upstream.result().fields["usage"]
    calls = psql.rows(
        "SELECT lesson_number, model, outcome, input_tokens > 0 AND cost = input_tokens AS paid,"
        " budget_tokens = input_tokens AS counts FROM model_calls WHERE purpose = 'search' ORDER BY 1 NULLS FIRST"
    )
    known = {"model": "stand-in's", "outcome": "ok", "paid": True, "counts": True}
    assert calls == [{"lesson_number": number, **known} for number in (None, 1, 2)]
    assert usage["calls"] == 6 and usage["cost"] == psql.value(
        "SELECT sum(input_tokens) FROM model_calls WHERE cost > 0"
    )


def test_the_help_says_what_add_leaves_alone() -> None:
    command = [sys.executable, str(ROOT / "app.py"), "sources", "add", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "no longer in the folder stays too" in " ".join(shown.split())
