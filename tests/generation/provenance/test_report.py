"""The production's report, hostile names and all."""

import io
import re
from html.parser import HTMLParser

import pytest
from tests.generation.candidates import candidate
from tests.generation.provenance.conftest import NAME, package

from translight import cli
from translight.core.errors import GenerationError
from translight.generation.candidate import Model
from translight.generation.provenance.report_html import html
from translight.generation.provenance.report_pdf import pdf
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
    append(show.ledger, HOSTILE, "rejected", {"candidate": NAME, "reason": HOSTILE})
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
