import io
import json

import numpy as np
import pytest
import trimesh

from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.environment.proxy import placed_proxy
from translight.splats import glb

RUB = np.array([1.0, -1.0, -1.0])


def mesh():
    return trimesh.creation.box((1, 2, 3)).export(file_type="glb")


def test_a_mesh_is_moved_as_splats_are():
    move = Similarity(3.0, Pose.exp([1.0, -2.0, 0.5, 0.3, 0.9, -0.4]))
    before = trimesh.load(io.BytesIO(mesh()), file_type="glb").to_geometry()
    after = trimesh.load(io.BytesIO(placed_proxy(mesh(), move)), file_type="glb").to_geometry()
    assert np.allclose(np.asarray(after.vertices) * RUB, move.apply(np.asarray(before.vertices) * RUB), atol=1e-5)
    assert np.array_equal(after.faces, before.faces)


def test_its_data_stays_as_it_was():
    before, after = glb.parse(mesh()), glb.parse(placed_proxy(mesh(), Similarity.identity()))
    assert before.buffers[0] == after.buffers[0]
    assert after.json["nodes"][-1]["name"] == "Placement"
    assert after.json["nodes"][:-1] == before.json["nodes"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"solid", "proxy: not a .glb"),
        (glb.write_glb({"asset": {"version": "2.0"}}, b""), "proxy: the .glb has no scene of nodes"),
        (glb.write_glb({"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "scene": 1, "nodes": []}, b""), "proxy: the .glb has no scene of nodes"),
        (glb.write_glb({"asset": {"version": "2.0"}, "buffers": [{"byteLength": 1, "uri": "a.bin"}]}, b""), "glTF: buffers[0] is in the file 'a.bin', which is not at hand"),
    ],
)  # fmt: skip
def test_what_cannot_be_placed_is_refused(data, message):
    with pytest.raises(FormatError) as caught:
        placed_proxy(data, Similarity.identity())
    assert str(caught.value) == message


def test_data_in_a_uri_stays_there():
    document = glb.parse(mesh())
    values = json.loads(glb.write_gltf(document.json, bytes(document.buffers[0])))
    data = placed_proxy(glb.write_glb(values, b""), Similarity.identity())
    assert glb.parse(data).buffers[0] == document.buffers[0]
