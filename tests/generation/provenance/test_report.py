"""The production's report, hostile names and all."""

import io
import re
import shutil
from html.parser import HTMLParser

import pytest
from tests.generation.candidates import candidate
from tests.generation.provenance.conftest import NAME, package

from translight import cli
from translight.core.errors import FormatError, GenerationError
from translight.generation.candidate import Model
from translight.generation.provenance.report_html import html
from translight.generation.provenance.report_pdf import pdf
from translight.generation.provenance.rows import gaps
from translight.generation.provenance.sign import Order, sign
from translight.generation.provenance.title import titles
from translight.generation.review.ledger import append
from translight.generation.run.job import FILE_NAME
from translight.generation.run.store import save_candidate

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\x1b[2J"


class Reader(HTMLParser):
    """Elements, and the text of each row under its label."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.rows, self.label = [], [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)
        if self.tags and self.tags[-1][0] == "th" and data.strip():
            self.label = data
        elif self.label is not None and data.strip():
            self.rows.setdefault(self.label, []).append(data)


@pytest.fixture
def show(work, keys):
    (work.run / FILE_NAME).write_text("{}")
    sign(Order(work.asset, "Grace", ledger=work.ledger), keys.signer)
    return work


def test_the_chain_of_title_of_a_signed_environment(show, keys):
    page = Reader(html("Pier", "2026-03-01", titles([show.asset, show.run], keys.root)[:1]))
    told = {label: " / ".join(lines) for label, lines in page.rows.items()}
    assert told["Origin"] == "made by a trained model (AI) / IPTC trainedAlgorithmicMedia"
    assert told["Engine"] == f"diffusers, seed 7 / candidate {NAME}"
    assert told["Models"].startswith("text-to-image: m, revision abc; licence MIT: commercial use allowed; sha256 000")
    assert re.fullmatch(r"accepted by Ada, 20\S+: fog as wanted \(line 2\)", told["Decisions"])
    assert told["Signature"].startswith("proved / proved: unchanged since it was signed: every file of the zip")
    assert told["Ledger"].startswith("4 lines, head now ")
    assert "1 assets, 1 with a proved signature" in "".join(page.text)


def test_nothing_of_a_name_becomes_an_element(show, keys):
    models = (Model(HOSTILE, "lora", HOSTILE, "0" * 64, "CC-BY-NC-4.0", False),)
    save_candidate(candidate(models=models, settings={"note": HOSTILE}), show.candidate)
    name = HOSTILE.replace("\x1b", "")  # no name has control characters, a reason may
    append(show.ledger, name, "rejected", {"candidate": NAME, "reason": HOSTILE})
    page = html(HOSTILE, "now", titles([show.run], keys.root))
    read = Reader(page)
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "section",
        "img",
        "table",
        "tr",
        "th",
        "td",
    }
    assert {tag for tag, _ in read.tags} <= allowed
    assert {name for _, attributes in read.tags for name in attributes} <= {
        "lang", "charset", "http-equiv", "content", "class", "alt", "src",
    }  # fmt: skip
    assert all(a["src"].startswith("data:image/jpeg;base64,") for t, a in read.tags if t == "img")
    assert "\x1b" not in page
    bad = [attributes for _, attributes in read.tags if attributes.get("class") == "bad"]
    assert len(bad) >= 3
    assert "NOT for commercial use: <script>" in "".join(read.text)
    assert pdf(HOSTILE, "now", titles([show.run], keys.root)).startswith(b"%PDF-")


def test_what_is_wrong_with_an_asset_stands_in_its_title(show, keys):
    show.asset.write_bytes(show.asset.read_bytes()[:-30])
    show.ledger.write_bytes(show.ledger.read_bytes().replace(b"Ada", b"Eve", 1))
    broken, made = titles([show.asset, show.run], keys.root)
    assert (broken.state, broken.origin) == ("not proved", None)
    assert "a damaged zip" in broken.unknown
    assert made.ledger.broken.endswith("lines were removed, added or moved")
    text = "".join(Reader(html("Pier", "now", [broken, made])).text)
    assert f"a ledger was changed: {show.ledger}" in text
    with pytest.raises(GenerationError, match=r"/nothing: neither an environment nor a run's folder$"):
        titles([show.folder / "nothing"], None)


def text_of(page):
    return "".join(Reader(page).text)


def test_what_a_show_names_and_is_missing_is_listed(show, keys):
    gone, bare = show.folder / "sets" / "gone.tlenv", show.folder / "bare.ply"
    bare.write_bytes(b"x")
    found = titles([show.asset, gone, bare, show.run], keys.root, shown={gone, bare})
    assert [(title.kind, title.fault) for title in found] == [
        ("environment", ""), ("environment", "missing"), ("splats", ""), ("candidate", ""),
    ]  # fmt: skip
    assert found[2].unknown.startswith(f"{bare}: nothing beside it says how it was made")
    told = text_of(html("Pier", "now", found))
    assert "4 assets, 1 with a proved signature" in told
    assert f"THIS REPORT IS NOT COMPLETE:\nmissing: {gone}" in told
    assert "of 1 the records do not say how they were made" in told
    assert "gone (environment, missing)" in told
    assert pdf("Pier", "now", found).startswith(b"%PDF-")
    assert gaps(found) == [f"missing: {gone}"]


def test_a_damaged_candidate_is_listed_and_the_others_are_reported(show, keys):
    for name in ("test-0008", "test-0009"):
        shutil.copytree(show.candidate, show.run / "candidates" / name)
    torn = show.run / "candidates" / "test-0008" / "candidate.json"
    torn.write_bytes(torn.read_bytes()[:40])
    other = show.run / "candidates" / "test-0009" / "panorama.exr"
    other.write_bytes(b"another")
    found = titles([show.run], keys.root)
    assert [title.asset.name for title in found] == [NAME, "test-0008", "test-0009"]
    assert [bool(title.fault) for title in found] == [False, True, True]
    assert found[1].fault.startswith(f"{torn}: ")
    assert found[2].fault == f"{other}: is not the file that was generated: its sha256 differs"
    assert found[0].origin.engine == "diffusers"
    told = text_of(html("Pier", "now", found))
    assert f"damaged: {found[2].fault}" in told
    assert "test-0008 (candidate, damaged)" in told
    assert len(gaps(found)) == 2


def test_what_was_accepted_and_is_gone_is_missing(show, keys):
    shutil.rmtree(show.candidate)
    (gone,) = titles([show.run], keys.root)
    assert (gone.asset, gone.fault, [entry.action for entry in gone.decisions]) == (
        show.candidate, "missing", ["accepted"],
    )  # fmt: skip
    append(show.ledger, "Ada", "rejected", {"candidate": NAME, "reason": "too dark"})
    assert titles([show.run], keys.root) == []


def test_a_run_without_its_ledger_is_not_complete(show, keys):
    show.ledger.unlink()
    found = titles([show.run], keys.root)
    assert gaps(found) == [f"missing: {show.ledger}"]
    assert f"missing: {show.ledger}" in text_of(html("Pier", "now", found))


def test_a_root_that_cannot_be_read_is_no_fault_of_an_asset(show):
    with pytest.raises(FormatError, match=r"/candidate\.json: holds no certificates in PEM, or damaged ones$"):
        titles([show.run], show.candidate / "candidate.json")


def test_the_command_says_what_the_report_lacks(show, keys, capsys):
    file, out = show.folder / "show.toml", show.folder / "report.html"
    assert cli.main(["demo", "--print-show"]) == 0
    demo = capsys.readouterr().out
    file.write_text(re.sub(r'path = "builtin:demo"', 'path = "gone.tlenv"', demo))
    assert cli.main(["provenance", "report", str(file), str(show.run), "-o", str(out), "--trust", str(keys.root)]) == 1
    told = capsys.readouterr()
    assert told.out == f"{out}: 2 assets\n"
    gone = show.folder / "gone.tlenv"
    assert told.err == f"translight: {out}: not complete, as it says: missing: {gone}\n"
    assert f"missing: {gone}" in text_of(out.read_text())
    out.unlink()
    assert cli.main(["provenance", "report", str(gone), "-o", str(out)]) == 1
    assert capsys.readouterr().err == f"translight: {gone}: neither an environment nor a run's folder\n"
    assert not out.exists()


@pytest.mark.slow
def test_the_command_reads_shows_and_writes_both(show, keys, capsys):
    package(show.folder / "second.tlenv", zipped=False)
    file = show.folder / "show.toml"
    demo = io.StringIO()
    assert cli.main(["demo", "--print-show"]) == 0
    demo = capsys.readouterr().out
    file.write_text(re.sub(r'path = "builtin:demo"', 'path = "pier.tlenv"', demo))
    out = show.folder / "report.html"
    words = ["provenance", "report", str(file), str(show.run), str(show.folder / "second.tlenv"), "-o", str(out)]
    assert cli.main([*words, "--pdf", str(out.with_suffix(".pdf")), "--trust", str(keys.root)]) == 0
    assert capsys.readouterr().out == f"{out} and {out.with_suffix('.pdf')}: 3 assets\n"
    assert "pier (environment)" in out.read_text()
    assert out.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
    assert cli.main(words) == 1
    assert capsys.readouterr().err == f"translight: {out}: exists; --force replaces it\n"
