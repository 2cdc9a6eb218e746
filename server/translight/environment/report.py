"""How an environment came to be, step by step: the package's ``report.json``, to which each later tool adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from translight.core.errors import FormatError
from translight.environment.files import load_json_part
from translight.environment.package import is_package

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """The steps in their order: mappings that JSON holds, with at least ``step``, ``at`` (ISO 8601, UTC) and ``by``.

    Well-known steps: ``capture``, ``poses``, ``train``, ``evaluate`` (``psnr_db``, ``ssim``, ``lpips`` of held-out
    pictures), ``nerf``, ``bake``, ``reconstruct`` (the whole: plan, times, peak memory), and the edits: ``crop``,
    ``floaters``, ``place``, ``prune``, ``detail``, ``match``, ``merge``; ``plate``.
    """

    steps: tuple[Mapping[str, Any], ...] = ()

    def with_step(self, step: str, **facts: Any) -> Self:
        """The report and one more step, done now by this program."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"step": step, "at": now, "by": f"translight {version('translight')}", **facts}
        return type(self)((*self.steps, entry))

    def last(self, step: str) -> Mapping[str, Any] | None:
        """The latest step of a name, or None."""
        return next((entry for entry in reversed(self.steps) if entry["step"] == step), None)

    def values(self) -> dict[str, Any]:
        """As ``report.json`` holds it."""
        return {"report_version": REPORT_VERSION, "steps": [dict(entry) for entry in self.steps]}

    @classmethod
    def of(cls, path: Path) -> Self:
        """A package's report; without steps for a bare splat file or a package that has none. Raises FormatError."""
        values = load_json_part(path, "report") if is_package(path) else None
        if values is None:
            return cls()
        steps = (
            values.get("steps") if isinstance(values, dict) and values.get("report_version") == REPORT_VERSION else None
        )
        named = isinstance(steps, list) and all(isinstance(s, dict) and isinstance(s.get("step"), str) for s in steps)
        if not named or steps is None:
            raise FormatError(f"{path}: report.json is not a report of version {REPORT_VERSION}: a list of named steps")
        return cls(tuple(steps))
