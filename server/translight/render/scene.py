"""From an environment (environment.py) to the scene that a renderer draws (contract.py)."""

from __future__ import annotations

import numpy as np

from translight.colour.transfer import srgb_encode
from translight.environment.environment import Environment
from translight.environment.plate import laid
from translight.render.contract import Layer, Scene
from translight.splats.order import along_curve


def scene_of(environment: Environment) -> Scene:
    """``environment``'s splats where it places them, and its linear sky in the encoding that its splats blend in.

    Plates stand on their first frames; moving_sky.py plays them.

    The splats are brought into an order that keeps neighbours together, which lets renderers cull. Make one scene of
    an environment and keep it: renderers cache by the identity of its cloud and sky.
    """
    sky = environment.sky
    if sky is not None and environment.plates:
        sky = laid(sky, environment.plates)
    if sky is not None and environment.encoding == "srgb":
        sky = srgb_encode(np.asarray(sky, dtype=np.float32))
    if sky is not None:
        sky = np.ascontiguousarray(sky, dtype=np.float32)
    layer = Layer(along_curve(environment.splats), environment.stage_from_scene, antialiased=environment.antialiased)
    return Scene((layer,), sky, encoding=environment.encoding)
