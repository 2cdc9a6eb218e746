"""The moderngl peer: instanced quads on Mesa's llvmpipe, blended back to front, as splat viewers on a GPU draw them.

ordered_splats.py feeds it: our own projection, spherical harmonics and sort, so that it pays for little but OpenGL. A
quad is the parallelogram around the ellipse at which alpha falls to 1/255, which leaves π/4 of its pixels drawn.
Octagons, single triangles, vertices fetched from a texture, ``discard`` and half floats were tried; none is faster.

A frame is projection, sort, upload, draw and glFinish; reading the picture back is left out. Pixels have 8 bits a
channel, which is most of what the picture is off: with floats it takes a tenth longer and reaches 78 dB.
Against the ``cpu`` backend at 640×360, least of eight views: room_100k 46 dB, plant_114k 51 dB, playbot_125k 53 dB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib.metadata import version

import moderngl
import numpy as np
from jaxtyping import Float32

from benchmarks.peers import Measured, check_sizes, llvmpipe
from benchmarks.peers.ordered_splats import WIDTH, OrderedSplats
from translight.core.camera import View
from translight.render.contract import Scene

_VERTEX = """
#version 330
uniform vec2 size;
in vec2 corner;
in vec2 centre;
in vec4 form;  // P, Q, R and log2 of the opacity
in vec3 rgb;
out vec2 uv;
flat out vec4 colour;
void main() {
    float log2_alpha = min(form.w, -0.001443417);  // 0.999
    uv = corner * sqrt(max(form.w + 7.994353, 0.0));  // where alpha is 1/255
    colour = vec4(rgb, log2_alpha);
    float dy = uv.y / form.z;
    vec2 pixel = centre + vec2((uv.x - form.y * dy) / form.x, dy);
    gl_Position = vec4(pixel / size * 2.0 - 1.0, 0.0, 1.0);
}
"""
_FRAGMENT = """
#version 330
in vec2 uv;
flat in vec4 colour;
out vec4 premultiplied;
void main() {
    float alpha = exp2(colour.w - dot(uv, uv));
    premultiplied = vec4(colour.rgb, 1.0) * (alpha < 1.0 / 255.0 ? 0.0 : alpha);
}
"""


class ModernglPeer:
    """Draws one scene at one size, in the thread that opened it."""

    name = "moderngl"

    def __init__(self, scene: Scene, width_px: int, height_px: int) -> None:
        self._context = gl = _software_context()
        mesa = gl.info["GL_VERSION"].partition("Mesa ")[2]
        self.version = f"moderngl {version('moderngl')}, Mesa {mesa} {gl.info['GL_RENDERER']}"
        self._scene, self._splats = scene, OrderedSplats(scene)
        self._width, self._height = width_px, height_px
        self._target = gl.framebuffer([gl.texture((width_px, height_px), 4)])
        self._instances = gl.buffer(reserve=max(self._splats.most, 1) * WIDTH * 4, dynamic=True)
        corners = gl.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32))
        program = gl.program(vertex_shader=_VERTEX.strip(), fragment_shader=_FRAGMENT.strip())
        program["size"] = (width_px, height_px)
        # Of an instance's 12 floats, the depth and the last two are passed over.
        attributes = [(corners, "2f", "corner"), (self._instances, "2f 4f 4x 3f 8x /i", "centre", "form", "rgb")]
        self._quads = gl.vertex_array(program, attributes)
        self._target.use()
        gl.enable_only(moderngl.BLEND)
        gl.blend_func = (moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)

    def measure(self, views: Sequence[View], rounds: int) -> Measured:
        """See ``Peer``."""
        check_sizes(views, self._width, self._height)
        pictures = []
        for view in views:
            self._draw(view)
            pictures.append(self._picture())
        milliseconds = []
        for _ in range(rounds):
            for view in views:
                began = time.perf_counter()
                self._draw(view)
                milliseconds.append((time.perf_counter() - began) * 1e3)
        return Measured(milliseconds, pictures)

    def close(self) -> None:
        """Release the context and all that is in it."""
        if self._context is not None:
            self._context.release()
            self._context = None

    def _draw(self, view: View) -> None:
        splats = self._splats.seen(self._scene, view)
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        self._instances.orphan()
        if len(splats):
            self._instances.write(splats)
            self._quads.render(moderngl.TRIANGLE_STRIP, instances=len(splats))
        self._context.finish()

    def _picture(self) -> Float32[np.ndarray, "h w 3"]:
        # Pixel rows went into the picture downwards, as they are counted, so none are turned over here.
        rgba = np.frombuffer(self._target.read(components=4), np.uint8).reshape(self._height, self._width, 4)
        return rgba[..., :3].astype(np.float32) / 255


def _software_context() -> moderngl.Context:
    before = os.environ.copy()
    os.environ.update(llvmpipe.ENVIRONMENT)
    try:
        context = moderngl.create_context(
            standalone=True, backend="egl", libgl="libGL.so.1", libegl="libEGL.so.1", require=330
        )
    except Exception as error:  # moderngl raises no narrower one
        raise llvmpipe.missing("moderngl", error) from error
    finally:
        os.environ.clear()
        os.environ.update(before)
    renderer = context.info["GL_RENDERER"]
    if "llvmpipe" not in renderer:
        context.release()
        raise llvmpipe.missing("moderngl", renderer)
    return context


def open_peer(scene: Scene, width_px: int, height_px: int) -> ModernglPeer:
    """The entry that ``benchmarks.peers.open_peer`` calls."""
    return ModernglPeer(scene, width_px, height_px)
