"""The command line: one table of subcommands; each command's own imports happen when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, Union

import tyro

from translight.core.errors import TranslightError

_INTERRUPTED = 130
_STYLE = (tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
_DESCRIPTION = "Radiance-field environments on LED walls, live from the tracked film camera."


class Command(Protocol):
    """A subcommand: a frozen dataclass whose fields are its arguments."""

    def run(self) -> int:
        """Do it; the result is the exit status. A TranslightError becomes one line and status 1."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Subcommands under one word."""

    description: str
    commands: Mapping[str, type[Command]]
    default: str | None = None
    """The command that is meant when the word after the group's is none of them."""


def commands() -> Mapping[str, type[Command] | Group]:
    """Every subcommand by name."""
    from translight.commands.bench import BenchPeers, BenchRender
    from translight.commands.bench_glass import BenchGlass
    from translight.commands.bench_latency import BenchCompare, BenchLatency
    from translight.commands.bench_transports import BenchTransports
    from translight.commands.brief import BriefCheck, BriefNew, BriefShow
    from translight.commands.capture import Inspect
    from translight.commands.check import Lens, ShowFile
    from translight.commands.doctor import Doctor
    from translight.commands.environment import Crop, Floaters, Match, Merge
    from translight.commands.environment_budget import Detail, Prune
    from translight.commands.environment_export import Export
    from translight.commands.environment_place import Place
    from translight.commands.generate import Generate
    from translight.commands.generate_lift import Lift
    from translight.commands.generate_look import Look
    from translight.commands.generate_look_train import LookTrain
    from translight.commands.generate_plate import AddPlate
    from translight.commands.generate_upscale import Upscale
    from translight.commands.library import Add, LibraryList, Remove, Search
    from translight.commands.provenance import Keygen, Show, Sign, Verify
    from translight.commands.provenance_mark import Detect, Mark
    from translight.commands.provenance_report import Report
    from translight.commands.receive import Receive
    from translight.commands.reconstruct import Reconstruct
    from translight.commands.render import Render
    from translight.commands.review import Accept, Compare, History, Reject, ReviewList, Sheet
    from translight.commands.review_vary import Measure, Vary
    from translight.commands.show import Demo, Serve
    from translight.commands.splats import Convert, Info
    from translight.commands.track import Monitor, Record, Replay, Simulate
    from translight.commands.unreal import Call, Connect, Get, Preset, Set, Status
    from translight.commands.unreal_follow import Follow
    from translight.commands.unreal_project import Project

    tracking: Mapping[str, type[Command]] = {
        "monitor": Monitor,
        "simulate": Simulate,
        "record": Record,
        "replay": Replay,
    }
    edits: Mapping[str, type[Command]] = {
        "crop": Crop,
        "floaters": Floaters,
        "place": Place,
        "prune": Prune,
        "detail": Detail,
        "match": Match,
        "merge": Merge,
        "export": Export,
    }
    measures: Mapping[str, type[Command]] = {
        "latency": BenchLatency,
        "compare": BenchCompare,
        "glass": BenchGlass,
        "transports": BenchTransports,
        "render": BenchRender,
        "peers": BenchPeers,
    }
    unreal: Mapping[str, type[Command]] = {
        "connect": Connect,
        "status": Status,
        "get": Get,
        "set": Set,
        "call": Call,
        "preset": Preset,
        "follow": Follow,
        "project": Project,
    }
    review: Mapping[str, type[Command]] = {
        "list": ReviewList,
        "accept": Accept,
        "reject": Reject,
        "vary": Vary,
        "compare": Compare,
        "history": History,
        "measure": Measure,
        "sheet": Sheet,
    }
    return {
        "demo": Demo,
        "serve": Serve,
        "receive": Receive,
        "reconstruct": Group(
            "Make an environment of photographs: translight reconstruct PHOTOS -o NAME.tlenv",
            {"run": Reconstruct, "inspect": Inspect},
            default="run",
        ),
        "brief": Group(
            "Say what a director would say, and see what it means to a model.",
            {"new": BriefNew, "check": BriefCheck, "show": BriefShow},
        ),
        "generate": Group(
            "Make candidates of a brief, and environments of candidates: translight generate BRIEF.toml -o FOLDER",
            {
                "run": Generate,
                "lift": Lift,
                "upscale": Upscale,
                "plate": AddPlate,
                "look": Look,
                "look-train": LookTrain,
            },
            default="run",
        ),
        "review": Group("Decide about candidates: each decision goes into a ledger with name and time.", review),
        "library": Group(
            "Keep environments and find them again by words.",
            {"add": Add, "list": LibraryList, "search": Search, "remove": Remove},
        ),
        "provenance": Group(
            "Sign what was accepted, verify what was signed, mark stills, report on a show.",
            {
                "keygen": Keygen,
                "sign": Sign,
                "verify": Verify,
                "show": Show,
                "mark": Mark,
                "detect": Detect,
                "report": Report,
            },
        ),
        "render": Render,
        "info": Info,
        "convert": Convert,
        "environment": Group("Edit an environment, each edit into a new package, or export it.", edits),
        "track": Group("Camera tracking: watch it, simulate it, record and replay it.", tracking),
        "unreal": Group("Unreal Engine beside the wall: reach its editor, keep it in step, set a project up.", unreal),
        "check": Group(
            "Check a show: its file, or its walls through the film camera's lens.", {"show": ShowFile, "lens": Lens}
        ),
        "bench": Group("Measure what this machine does.", measures),
        "doctor": Doctor,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run; returns the exit status."""
    try:
        table = commands()
        given = _with_default(table, sys.argv[1:] if argv is None else argv)
        command = tyro.cli(_union(table), prog="translight", description=_DESCRIPTION, args=given)
        return int(command.run())
    except TranslightError as error:
        print(f"translight: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("translight: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (``| head``); what is left of it must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _with_default(table: Mapping[str, type[Command] | Group], argv: Sequence[str]) -> Sequence[str]:
    """The words with a group's default command put in where they leave it out; help is the group's own."""
    group = table.get(argv[0]) if len(argv) > 1 else None
    if not isinstance(group, Group) or group.default is None or argv[1] in (*group.commands, "-h", "--help"):
        return argv
    return [argv[0], group.default, *argv[1:]]


def _union(table: Mapping[str, Any]) -> Any:
    """A type that tyro reads as subcommands, groups nested."""
    members: list[Any] = []
    for name, entry in table.items():
        if isinstance(entry, Group):
            kind = _union(entry.commands)
            members.append(Annotated[kind, tyro.conf.subcommand(name=name, description=entry.description)])
        else:
            members.append(Annotated[entry, tyro.conf.subcommand(name=name)])
    return Annotated[Union[tuple(members)], *_STYLE]  # noqa: UP007 - built at run time


if __name__ == "__main__":
    sys.exit(main())
