"""``translight doctor``: what this machine can do, and the line that installs what is missing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

_MARKS = {"good": "✓", "note": "·", "bad": "✗"}


@dataclass(frozen=True)
class Doctor:
    """Say what this machine can do: backends, cores and SIMD, clock, ports in use, extras that are missing."""

    json: bool = False
    """Print a JSON list instead of lines."""

    def run(self) -> int:
        """Print the findings; exit status 1 when nothing can be rendered here."""
        from translight.server.doctor import examine

        findings = examine()
        if self.json:
            print(json.dumps([asdict(finding) for finding in findings]))
        else:
            width = max(len(finding.topic) for finding in findings)
            for finding in findings:
                print(f"{_MARKS[finding.verdict]} {finding.topic:<{width}}  {finding.text}")
        return 1 if any(finding.verdict == "bad" for finding in findings) else 0
