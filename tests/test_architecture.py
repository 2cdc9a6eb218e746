"""What holds for the whole tree: light imports, documented modules of a readable length, a test beside each."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE_ROOTS = [ROOT / name for name in ("server", "stream", "ue_bridge", "reconstruction", "generation")]
MODULES = sorted(
    path for root in SOURCE_ROOTS for path in (root / "translight").rglob("*.py") if "__pycache__" not in path.parts
)
MAX_LINES = 400

OPTIONAL = (
    "torch",
    "gsplat",
    "cupy",
    "nerfstudio",
    "diffusers",
    "transformers",
    "accelerate",
    "peft",
    "ncnn",
    "c2pa",
    "cryptography",
    "reportlab",
    "NDIlib",
    "cyndilib",
    "aiortc",
    "simplejpeg",
    "ray",
    "glfw",
    "websockets",
    "unreal",
    "pxr",
)
"""What only some installations have: the modules that need one are reached by import_module."""
HEAVY = ("numba", "av", "OpenEXR", "PIL", "scipy")
"""What every installation has and no command's help should wait for."""

ROOMS_WITH_MIRRORS = ("core",)
"""Rooms whose every module has a test file of its own name."""
WITHOUT_MIRROR: dict[str, str] = {}
"""Modules of those rooms that are tested elsewhere, by path under translight/: where, and why."""

# A finder before all others sees every attempt to import, also of what is not installed, and lets it go on.
WATCH = """
import sys

class Watch:
    def __init__(self, roots):
        self.roots, self.seen = roots, []
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in self.roots and root not in self.seen:
            self.seen.append(root)

watch = Watch(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, watch)
"""


def _imported(code: str, watched: tuple[str, ...]) -> list[str]:
    """Which of the watched packages an interpreter of its own asks for while it runs ``code``."""
    code = f"{WATCH}\n{code}\nprint('imports:', *watch.seen)"
    run = subprocess.run(
        [sys.executable, "-c", code, ",".join(watched)], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    label, *names = run.stdout.splitlines()[-1].split(" ")
    assert label == "imports:"
    return names


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_watch_sees_imports_that_fail_and_that_succeed():
    code = "import contextlib, numpy\nwith contextlib.suppress(ImportError):\n    import torch_that_is_not_there.part"
    watched = ("numpy", "torch_that_is_not_there", "numba")
    assert _imported(code, watched) == ["numpy", "torch_that_is_not_there"]


def test_the_server_loads_nothing_optional():
    assert _imported("import translight.server", OPTIONAL) == []


def test_no_module_of_the_server_loads_anything_optional_by_itself():
    names = [
        ".".join(path.relative_to(ROOT / "server").with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.is_relative_to(ROOT / "server" / "translight" / "server")
    ]
    assert names
    code = "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)
    assert _imported(code, OPTIONAL) == []


@pytest.mark.parametrize("arguments", [None, ["--help"]], ids=["import", "help"])
def test_the_command_line_is_light(arguments: list[str] | None):
    code = "import translight.cli"
    if arguments is not None:
        code += f"""
try:
    translight.cli.main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
else:
    raise AssertionError("--help went on")
"""
    assert _imported(code, OPTIONAL + HEAVY) == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is_and_stays_readable(path: Path):
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, "a module opens with a one-sentence docstring"
    lines = text.count("\n")
    assert lines <= MAX_LINES, f"{lines} lines; past {MAX_LINES} a module is split"
    assert path.stem not in ("utils", "util", "helpers", "misc", "common"), "a module is one noun"


def test_the_namespace_package_has_no_init_file():
    assert [_name(root) for root in SOURCE_ROOTS if (root / "translight" / "__init__.py").exists()] == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_threads_have_owners(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "daemon":
            value = node.value
            assert isinstance(value, ast.Constant), f"line {value.lineno}: daemon is said plainly"
            assert value.value is False, f"line {value.lineno}: no daemon threads; core/threads.py owns threads"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert "atexit" not in names, f"line {node.lineno}: no atexit; owners are context managers"


def test_the_ground_floor_needs_numpy_only():
    code = "\n".join(
        f"import translight.core.{path.stem}"
        for path in MODULES
        if path.parent == ROOT / "server" / "translight" / "core" and path.stem not in ("__init__", "exr")
    )
    assert _imported(code, (*OPTIONAL, *HEAVY, "tyro", "msgspec", "zmq")) == []


def _mirrored() -> list[tuple[str, Path, bool]]:
    """(path under translight/, its test file, whether that is there) for the modules of ROOMS_WITH_MIRRORS."""
    found = []
    for path in MODULES:
        inside = path.relative_to(next(root for root in SOURCE_ROOTS if path.is_relative_to(root)) / "translight")
        if inside.parts[0] in ROOMS_WITH_MIRRORS and inside.name != "__init__.py":
            test = ROOT / "tests" / inside.parent / f"test_{inside.name}"
            found.append((inside.as_posix(), test, test.is_file()))
    return found


def test_every_module_of_a_finished_room_has_its_test_file():
    mirrored = _mirrored()
    assert {name.partition("/")[0] for name, _, _ in mirrored} == set(ROOMS_WITH_MIRRORS)
    missing = [
        f"{name}: no {_name(test)}" for name, test, there in mirrored if not there and name not in WITHOUT_MIRROR
    ]
    assert missing == []


def test_the_exceptions_to_mirroring_are_needed_and_explained():
    bare = {name for name, _, there in _mirrored() if not there}
    assert set(WITHOUT_MIRROR) <= bare, "an exception for a module that is gone or has its test"
    assert all(reason.strip() for reason in WITHOUT_MIRROR.values())
