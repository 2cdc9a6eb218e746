"""The playcanvas peer: PlayCanvas Engine's gsplat component on WebGL2 (browser.py says how, and what a frame holds).

page/playcanvas.js sets what the same picture needs. The engine projects in half pixels, so that what it adds to the
covariance is 0.075 px² instead of the 0.3 px² that clouds are trained with: its shader is given four times as much
(without, plant_114k and playbot_125k are at 32 and 30 dB). Splats below two pixels are drawn, colours follow each move
of the camera, and splats are kept in the larger of its two formats. Ellipses still end at √8 standard deviations, where
its fall-off is brought to zero.

Against the ``cpu`` backend at 640×360, least of eight views: room_100k 41 dB, plant_114k 46 dB, playbot_125k 44 dB.
"""

from __future__ import annotations

from benchmarks.peers.browser import BrowserPeer
from translight.render.contract import Scene


def open_peer(scene: Scene, width_px: int, height_px: int, drawn_by: str = "llvmpipe") -> BrowserPeer:
    """The entry that ``benchmarks.peers.open_peer`` calls."""
    return BrowserPeer("playcanvas", ["playcanvas"], scene, width_px, height_px, drawn_by)
