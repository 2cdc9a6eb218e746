"""The spark peer: Spark on three.js and WebGL2 (browser.py says how, and what a frame holds).

page/spark.js sets what the same picture needs: 0.3 px² added to the covariance without dimming (``preBlurAmount``),
order by depth instead of distance, no levels of detail, and no splat left out because its centre is off the picture.
Spark packs a splat into 16 bytes, and ends ellipses at √8 standard deviations. Of two splats at one depth it draws the
later in front, we the earlier; so it is given the cloud from its end (without, a wall straight ahead in room_100k is at
28 dB).

Against the ``cpu`` backend at 640×360, least of eight views: room_100k 43 dB, plant_114k 49 dB, playbot_125k 46 dB.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers.browser import BrowserPeer
from translight.render.contract import Scene
from translight.splats.cloud import SplatCloud


def open_peer(scene: Scene, width_px: int, height_px: int, drawn_by: str = "llvmpipe") -> BrowserPeer:
    """The entry that ``benchmarks.peers.open_peer`` calls."""
    return BrowserPeer("spark", ["@sparkjsdev/spark", "three"], _from_its_end(scene), width_px, height_px, drawn_by)


def _from_its_end(scene: Scene) -> Scene:
    (layer,) = scene.layers
    cloud = layer.splats
    fields = (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh)
    return Scene.of(SplatCloud(*(np.ascontiguousarray(field[::-1]) for field in fields)), layer.stage_from_scene)
