"""What stays on the device from frame to frame: clouds and skies, each for as long as the host's own lives."""

from __future__ import annotations

from itertools import count
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float32

from translight.core.device import Device, uploaded
from translight.render.by_identity import ByIdentity
from translight.render.cuda.prepare import Layout, lay_out, lay_out_sky
from translight.splats.cloud import SplatCloud


class ResidentCloud:
    """A cloud's planes; ``rest`` is None where there are no harmonics past the constant one."""

    def __init__(self, device: Device, layout: Layout, number: int) -> None:
        self.number = number
        self.geometry = uploaded(device, layout.geometry)
        self.base = uploaded(device, layout.base)
        self.rest = uploaded(device, layout.rest) if layout.rest.size else None
        self.groups = uploaded(device, layout.groups)
        self.count, self.stride, self.degree, self.half = layout.count, layout.stride, layout.degree, layout.half


class ResidentSky:
    """A sky's texels."""

    def __init__(self, device: Device, sky: Float32[np.ndarray, "h w 3"], number: int) -> None:
        self.number = number
        self.texels = uploaded(device, lay_out_sky(sky))
        self.height, self.width = sky.shape[:2]


class Residents:
    """All that a device keeps. Each has a number that no other of them ever has."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._numbers = count(1)
        self._clouds: WeakKeyDictionary[SplatCloud, ResidentCloud] = WeakKeyDictionary()
        self._skies: ByIdentity[ResidentSky] = ByIdentity()

    def cloud(self, splats: SplatCloud) -> ResidentCloud:
        """A cloud, uploaded when it is asked for first."""
        found = self._clouds.get(splats)
        if found is None:
            found = self._clouds[splats] = ResidentCloud(self._device, lay_out(splats), next(self._numbers))
        return found

    def sky(self, sky: Float32[np.ndarray, "h w 3"]) -> ResidentSky:
        """Likewise a sky."""
        return self._skies.get(sky, lambda array: ResidentSky(self._device, array, next(self._numbers)))

    def numbers(self) -> set[int]:
        """Of those that are still kept."""
        return {cloud.number for cloud in self._clouds.values()} | {sky.number for sky in self._skies.values()}

    def clear(self) -> None:
        """Free everything."""
        self._clouds.clear()
        self._skies.clear()
