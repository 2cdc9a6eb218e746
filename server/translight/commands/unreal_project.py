"""``translight unreal project``: a show's assets, camera and stage for a project, as a script for Unreal's editor."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Project:
    """Write an editor script for a show: media source, plate, CineCamera on Live Link, placement, walls (nDisplay)."""

    show: Annotated[Path, tyro.conf.Positional]
    """The show file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The folder to write into; it is made if need be. Run translight_project.py from it in the editor."""
    media: str | None = None
    """The picture that Unreal receives: ndi://NAME, "ndi://MACHINE (NAME)" or rtsp://…; else the show's first such
    output, one that carries the camera before one of the walls."""
    depth: str | None = None
    """Its depth, a second stream; else the show's first such output that carries depth."""
    near_m: float | None = None
    """Near end of the depth's curve, where it is not the show's."""
    far_m: float | None = None
    """Its far end."""
    arc_error_mm: float = 10.0
    """How far a flat nDisplay screen may stand from the arc of a wall."""
    node: str = "127.0.0.1"
    """The address of the machine that nDisplay shows the walls on."""

    def run(self) -> int:
        """Write the files; nothing is written when something is wrong."""
        from translight.colour.depth_curve import DepthCurve
        from translight.core.errors import ShowError
        from translight.core.files import whole_file
        from translight.server.outputs import of_kind
        from translight.server.show import load_show
        from translight.ue_bridge import ndisplay
        from translight.ue_bridge.project import DEPTH, PICTURE, SCRIPT, CameraPlan, parse_media, plan_of, project_files

        if not 0.1 <= self.arc_error_mm <= 1000:
            raise ShowError(f"--arc-error-mm is {self.arc_error_mm:g}, give a number from 0.1 to 1000")
        show = load_show(self.show)
        machine = socket.gethostname().partition(".")[0]
        played = [o for o in show.outputs if o.url.partition("://")[0] in ("ndi", "rtsp")]
        pictures = [*of_kind(played, "camera"), *of_kind(played, "wall")]
        depths = of_kind(played, "depth")
        url = self.media or (pictures[0].url if pictures else None)
        depth_url = self.depth or (depths[0].url if depths else None)
        curve = next((o.depth_curve for o in depths if o.url == depth_url), depths[0].depth_curve if depths else None)
        curve = curve or DepthCurve()
        near_m = curve.near_m if self.near_m is None else self.near_m
        curve = DepthCurve(near_m, curve.far_m if self.far_m is None else self.far_m)
        given = [(PICTURE, url), (DEPTH, depth_url)]
        media = [parse_media(url, label, machine) for label, url in given if url is not None]
        tree = ndisplay.document(show.canvas, show.volume.eye_m, error_m=self.arc_error_mm / 1000.0, host=self.node)
        film = show.camera
        height_mm = film.sensor_width_mm * film.height_px / film.width_px
        live_link = show.live_link[0] if show.live_link else None
        camera = CameraPlan(film.rest, (film.sensor_width_mm, height_mm), film.focal_length_mm, live_link)
        place = show.environment
        placed = {"position_m": place.position_m, "heading_deg": place.heading_deg, "scale": place.scale}
        stage = ndisplay.dump(tree)
        # The walls' canvas has nothing to do with the camera's depth
        of_wall = url in [o.url for o in of_kind(show.outputs, "wall")]
        ends = None if of_wall else (curve.near_m, curve.far_m)
        plan = plan_of(show.name, media, camera, placed, stage, ends)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            for name, text in project_files(plan, stage).items():
                with whole_file(self.out / name) as path:
                    path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ShowError(f"{self.out}: {error.strerror}") from error
        screens = len(tree["nDisplay"]["scene"]["screens"])
        what = ", ".join(m.source for m in media) or "no media (give --media)"
        if plan["composite"] is not None:
            what += f" composited by depth from {curve.near_m:g} to {curve.far_m:g} m"
        elif of_wall and depth_url is not None:
            what += " (not composited by depth: the picture is the walls', send one that carries the camera)"
        print(f"{self.out}: {what}; {len(show.canvas.walls)} walls as {screens} nDisplay screens")
        print(f"in Unreal: Tools > Execute Python Script… > {self.out / SCRIPT}")
        return 0
