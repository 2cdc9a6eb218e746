from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from translight.core.errors import BackendError
from translight.render import backends
from translight.render.backends import BACKENDS, Backend, open_renderer
from translight.render.contract import Renderer
from translight.render.reference import ReferenceRenderer

ABSENT = """the absent backend cannot be imported: No module named 'cupy'; pip install "translight[cuda]\""""


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")} | ({"__enter__", "__exit__"} & set(dir(kind)))


@pytest.mark.parametrize("name", BACKENDS)
def test_class_has_exactly_the_contracts_methods(name):
    try:
        renderer = open_renderer(name)
    except BackendError as error:
        if BACKENDS[name].extra is None:
            raise  # what the base installs must open everywhere
        pytest.skip(str(error))
    with renderer:
        assert isinstance(renderer, Renderer)
        assert public(type(renderer)) == public(Renderer) | {"name"}
        assert renderer.name == name
    renderer.close()


def test_every_backend_runs_the_conformance_suite():
    """Each name in the table stands in a collected id of each comparison; the reference is what they are held to."""
    suite = Path(__file__).with_name("test_conformance.py")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(suite)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True, cwd=suite.parents[2]).stdout
    for name in BACKENDS.keys() - {"reference"}:
        ids = [line for line in listing.splitlines() if f"[{name}" in line]
        assert len(ids) > 25, f"backend {name!r} has no conformance run"
    assert any("[reference" in line for line in listing.splitlines())


def test_the_table_imports_no_backend():
    code = (
        "import sys, translight.render.backends as b; "
        "print(sorted(x.module for x in b.BACKENDS.values() if x.module in sys.modules), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


@pytest.fixture
def table(monkeypatch):
    """A table of three: one whose library is missing, one that this machine cannot run, and the reference."""

    def broken(threads: int | None) -> Renderer:
        raise BackendError("no GPU here")

    def find(module: str) -> ModuleType | SimpleNamespace:
        if module == "absent":
            raise ImportError("No module named 'cupy'")
        return SimpleNamespace(open_backend=broken) if module == "broken" else real(module)

    real = backends.import_module
    monkeypatch.setattr(backends, "import_module", find)
    rows = {
        "absent": Backend("absent", extra="cuda"),
        "broken": Backend("broken"),
        "reference": Backend("translight.render.reference"),
    }
    monkeypatch.setattr(backends, "BACKENDS", rows)
    return rows


def test_auto_takes_the_first_that_opens_and_says_why(table, caplog):
    caplog.set_level(logging.INFO)
    assert open_renderer().name == "reference"
    assert caplog.messages == [
        f"backend absent not used: {ABSENT}",
        "backend broken not used: no GPU here",
        "backend: reference",
    ]


def test_a_named_backend_never_falls_back(table):
    with pytest.raises(BackendError, match=r'cupy.*pip install "translight\[cuda\]"'):
        open_renderer("absent")
    with pytest.raises(BackendError, match="no GPU here"):
        open_renderer("broken")


def test_threads_and_progress_reach_the_backend(table, monkeypatch):
    seen: list[object] = []

    def opened(threads: int | None) -> Renderer:
        seen.append(threads)
        return ReferenceRenderer()

    module = SimpleNamespace(open_backend=opened, compile_kernels=lambda progress: progress("kernels"))
    monkeypatch.setattr(backends, "import_module", lambda _: module)
    open_renderer("reference", threads=3, progress=seen.append)
    open_renderer("reference")
    assert seen == [3, "kernels", None]


def test_nothing_opens(table):
    del table["reference"]
    with pytest.raises(BackendError, match=r"no renderer backend opens here: absent: .*cupy.*; broken: no GPU here"):
        open_renderer()


def test_unknown_name():
    with pytest.raises(BackendError, match="no renderer backend 'gpu'; there are: auto, cuda, cpu, gsplat, reference"):
        open_renderer("gpu")
