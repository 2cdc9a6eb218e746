"""``python -m benchmarks [--tiny] [name …]``: run the benchmarks named, or all; results go to benchmarks/results."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

PREFIX = "bench_"


def names() -> list[str]:
    """Every benchmark's name: ``prediction`` is the module bench_prediction.py."""
    return sorted(path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the documents claim.")
    parser.add_argument("--tiny", action="store_true", help="a few samples each, to see that it runs; writes nothing")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(names())}; all when none is given")
    options = parser.parse_args(arguments)
    wanted = [name.removeprefix(PREFIX) for name in options.names]
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    for name in wanted or names():
        print(f"== {name}", flush=True)
        began = time.monotonic()
        importlib.import_module(f"benchmarks.{PREFIX}{name}").main(options.tiny)
        print(f"== {name}: {time.monotonic() - began:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
