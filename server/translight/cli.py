"""The command line: one table of subcommands; each command's own imports happen when it runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, Union

import tyro

from translight.core.errors import TranslightError

_INTERRUPTED = 130


class Command(Protocol):
    """A subcommand: a frozen dataclass whose fields are its arguments."""

    def run(self) -> int:
        """Do it; the result is the exit status. A TranslightError becomes one line and status 1."""
        ...


def commands() -> Mapping[str, type[Command] | Mapping[str, type[Command]]]:
    """Every subcommand by name; a mapping is a group."""
    return {}


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run; returns the exit status."""
    command = tyro.cli(_union(commands()), prog="translight", description=_DESCRIPTION, args=argv)
    try:
        return int(command.run())
    except TranslightError as error:
        print(f"translight: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("translight: interrupted", file=sys.stderr)
        return _INTERRUPTED


_DESCRIPTION = "Radiance-field environments on LED walls, live from the tracked film camera."


def _union(table: Mapping[str, Any]) -> Any:
    """A type that tyro reads as subcommands, groups nested."""
    members: list[Any] = []
    for name, entry in table.items():
        kind = _union(entry) if isinstance(entry, Mapping) else entry
        members.append(Annotated[kind, tyro.conf.subcommand(name=name)])
    return Annotated[Union[tuple(members)], tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes]  # noqa: UP007
