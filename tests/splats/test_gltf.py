import base64
import io
import json
import struct

import numpy as np
import pygltflib
import pytest
import trimesh

from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.splats import glb, gltf
from translight.splats.limits import Limits
from translight.splats.motion import moved

ROTATION = "KHR_gaussian_splatting:ROTATION"
SCALE = "KHR_gaussian_splatting:SCALE"
OPACITY = "KHR_gaussian_splatting:OPACITY"
RUB = np.array([1.0, -1.0, -1.0])


def covariances(cloud):
    """What a rotation is for: quaternions that differ by half a turn about a splat's own axis are the same splat."""
    turns = np.array([Pose.from_wxyz(q).rotation() for q in cloud.wxyz])
    return np.einsum("nij,nj,nkj->nik", turns, cloud.scales.astype(float) ** 2, turns)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_nothing_is_lost(random_cloud, degree, binary):
    cloud = random_cloud(50, degree)
    data = gltf.encode(cloud, binary=binary)
    found = gltf.decode(data)
    for name in ("means", "scales", "opacities", "sh"):
        assert np.array_equal(getattr(found, name), getattr(cloud, name)), name
    assert np.abs(found.wxyz - cloud.wxyz).max() < 1e-7
    assert gltf.describe(data) == (50, degree)


def test_pygltflib_finds_every_value(random_cloud):
    cloud = random_cloud(30, 2)
    document = pygltflib.GLTF2.load_from_bytes(gltf.encode(cloud))
    blob = document.binary_blob()
    primitive = document.meshes[0].primitives[0]
    attributes = vars(primitive.attributes)

    def values(name):
        accessor = document.accessors[attributes[name]]
        view = document.bufferViews[accessor.bufferView]
        assert accessor.componentType == pygltflib.FLOAT
        return np.frombuffer(blob, "<f4", view.byteLength // 4, view.byteOffset).reshape(accessor.count, -1)

    assert primitive.mode == pygltflib.POINTS
    assert document.extensionsUsed == ["KHR_gaussian_splatting"]
    assert np.array_equal(values("POSITION"), cloud.means * np.float32(RUB))
    assert document.accessors[0].min == values("POSITION").min(axis=0).tolist()
    assert np.array_equal(values(SCALE), cloud.scales)
    assert np.array_equal(values(OPACITY)[:, 0], cloud.opacities)
    w, x, y, z = cloud.wxyz.T
    assert np.array_equal(values(ROTATION), np.column_stack([x, -y, -z, w]))
    assert np.array_equal(values("KHR_gaussian_splatting:SH_DEGREE_0_COEF_0"), cloud.sh[:, 0])
    # degree 1 is (−y, z, −x), and y and z are flipped
    for i, sign in enumerate((-1, -1, 1)):
        found = values(f"KHR_gaussian_splatting:SH_DEGREE_1_COEF_{i}")
        assert np.array_equal(found, cloud.sh[:, 1 + i] * np.float32(sign))


def test_trimesh_sees_coloured_points(random_cloud):
    cloud = random_cloud(30)
    scene = trimesh.load(io.BytesIO(gltf.encode(cloud)), file_type="glb")
    points = scene.geometry["Splats"] if "Splats" in scene.geometry else next(iter(scene.geometry.values()))
    assert np.allclose(points.vertices, cloud.means * RUB)
    shown = np.clip(0.5 + 0.28209479177387814 * cloud.sh[:, 0], 0, 1) * 255
    assert np.abs(np.asarray(points.colors)[:, :3].astype(float) - shown).max() <= 0.51


def test_three_js_reads_what_was_written(random_cloud, conformance):
    """three_reads.json is what three.js r187's loader of this extension made of written.glb."""
    cloud = random_cloud(12, 3, seed=5)
    written = conformance("written.glb").read_bytes()
    assert glb.parse(written).buffers[0] == glb.parse(gltf.encode(cloud)).buffers[0]
    theirs = json.loads(conformance("three_reads.json").read_bytes())
    assert np.allclose(np.reshape(theirs["position"], (-1, 3)), cloud.means * RUB)
    upper = (np.diag(RUB) @ covariances(cloud) @ np.diag(RUB))[:, *np.triu_indices(3)]
    assert np.allclose(np.reshape(theirs["covariance"], (-1, 6)), upper, rtol=1e-5, atol=1e-7)
    shown = np.column_stack([np.clip(0.5 + 0.28209479 * cloud.sh[:, 0], 0, 1), cloud.opacities]) * 255
    assert np.abs(np.reshape(theirs["color"], (-1, 4)) - shown).max() <= 0.51


def test_splat_transform_s_file_is_read(random_cloud, conformance):
    """PlayCanvas turns a scene half about the vertical on its way to glTF: theirs has x left and z forward."""
    cloud = random_cloud(12, 3, seed=5)
    turned = moved(cloud, Similarity(1.0, Pose.from_wxyz((0, 0, 1, 0))))
    found = gltf.decode(conformance("splat_transform.glb").read_bytes())
    for name in ("means", "scales", "opacities", "sh"):
        assert np.allclose(getattr(found, name), getattr(turned, name), atol=1e-6), name
    assert np.allclose(covariances(found), covariances(turned), rtol=1e-5, atol=1e-6)


def test_colour_spaces_are_named(random_cloud):
    for linear, name in ((False, "srgb_rec709_display"), (True, "lin_rec709_display")):
        values = glb.parse(gltf.encode(random_cloud(1), linear=linear)).json
        extension = values["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"]
        assert extension == {
            "kernel": "ellipse",
            "colorSpace": name,
            "projection": "perspective",
            "sortingMethod": "cameraDistance",
        }


def rewritten(data, change):
    document = glb.parse(data)
    values = json.loads(json.dumps(document.json))
    binary = change(values) or bytes(document.buffers[0])
    values["buffers"] = [{"byteLength": len(binary)}]
    return glb.write_glb(values, binary)


def test_nodes_are_worked_in(random_cloud):
    """Two nodes above the mesh, one of them by matrix: as the cloud moved by both, in glTF's axes."""
    cloud = random_cloud(20, 2)
    outer, inner = Pose.exp([1.0, 2.0, 3.0, 0.3, -0.7, 0.2]), Pose.exp([0.5, 0, 0, -1.0, 0.1, 0.4])

    def change(values):
        matrix = (np.diag([2.0, 2.0, 2.0, 1.0]) @ outer.matrix()).T.reshape(-1).tolist()
        w, *xyz = inner.wxyz.tolist()
        values["nodes"] = [
            {"matrix": matrix, "children": [1]},
            {"translation": inner.position_m.tolist(), "rotation": [*xyz, w], "scale": [3, 3, 3], "mesh": 0},
        ]

    found = gltf.decode(rewritten(gltf.encode(cloud), change))
    whole = np.diag([2.0, 2.0, 2.0, 1.0]) @ outer.matrix() @ inner.matrix() @ np.diag([3.0, 3.0, 3.0, 1.0])
    points = (cloud.means * RUB) @ whole[:3, :3].T + whole[:3, 3]
    assert np.allclose(found.means, points * RUB, atol=1e-4)
    assert np.allclose(found.scales, cloud.scales * 6, rtol=1e-5)
    turn = np.diag(RUB) @ whole[:3, :3] @ np.diag(RUB)
    assert np.allclose(covariances(found), turn @ covariances(cloud) @ turn.T, rtol=1e-4, atol=1e-4)


def test_several_primitives_and_meshes_become_one_cloud(random_cloud):
    cloud = random_cloud(10, 1)

    def change(values):
        values["meshes"][0]["primitives"].append({"attributes": {"POSITION": 0}, "mode": 4})
        values["nodes"] = [{"mesh": 0}, {"mesh": 0, "translation": [10, 0, 0]}]
        values["scenes"] = [{"nodes": [0, 1]}]

    found = gltf.decode(rewritten(gltf.encode(cloud), change))
    assert np.array_equal(found.means[:10], cloud.means)
    assert np.allclose(found.means[10:], cloud.means + np.array([10, 0, 0]), atol=1e-6)
    assert np.array_equal(found.sh[10:], cloud.sh)


def test_whole_numbers_are_read_as_what_they_stand_for(random_cloud):
    cloud = random_cloud(8)

    def change(values):
        document = glb.parse(data)
        binary = bytes(document.buffers[0])
        opacity = np.rint(cloud.opacities * 65535).astype("<u2").tobytes()
        turns = np.rint(np.roll(cloud.wxyz * [1, 1, -1, -1], -1, axis=1) * 32767).astype("<i2").tobytes()
        at = values["meshes"][0]["primitives"][0]["attributes"]
        for name, kind, more in ((OPACITY, 5123, opacity), (ROTATION, 5122, turns)):
            values["bufferViews"][at[name]] = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(more)}
            values["accessors"][at[name]] |= {"componentType": kind, "normalized": True}
            binary += more
        return binary

    data = gltf.encode(cloud)
    found = gltf.decode(rewritten(data, change))
    assert np.abs(found.opacities - cloud.opacities).max() < 1e-5
    assert np.abs(found.wxyz - cloud.wxyz).max() < 1e-4


def primitive_of(values):
    return values["meshes"][0]["primitives"][0]


def setter(*keys, value):
    def change(values):
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


def extension(**more):
    return lambda values: primitive_of(values)["extensions"]["KHR_gaussian_splatting"].update(more)


def without(name):
    return lambda values: primitive_of(values)["attributes"].pop(name) and None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setter("asset", value={"version": "1.0"}), "version 1.0; version 2 is read"),
        (setter("meshes", 0, "primitives", 0, "extensions", value={}), "a mesh or an empty scene, not splats: no primitive has KHR_gaussian_splatting"),
        (extension(kernel="box"), "kernel box; ellipse is read"),
        (extension(extensions={"KHR_gaussian_splatting_compression_spz_2": {}}), "splats packed by KHR_gaussian_splatting_compression_spz_2, which is not read"),
        (setter("meshes", 0, "primitives", 0, "mode", value=4), "a splat primitive has mode 4; 0, points, is needed"),
        (without(SCALE), f"the splats have no attribute {SCALE}"),
        (without("KHR_gaussian_splatting:SH_DEGREE_1_COEF_1"), "the splats have KHR_gaussian_splatting:SH_DEGREE_1_COEF_0, and not all that degree 1 needs"),
        (setter("accessors", 3, "count", value=19), "attributes of different lengths: 19, 20"),
        (setter("accessors", 0, "count", value=21), "POSITION: 21 values reach beyond their buffer of 1,920 bytes"),
        (setter("accessors", 0, "count", value=10**15), "POSITION: 1,000,000,000,000,000 values reach beyond their buffer of 1,920 bytes"),
        (setter("accessors", 0, "type", value="VEC2"), "POSITION has 2 components; 3 are needed"),
        (setter("accessors", 0, "componentType", value=1), "POSITION has type VEC3 of component type 1"),
        (setter("accessors", 0, "sparse", value={}), "POSITION is sparse, compressed or without data, which is not read"),
        (setter("accessors", 0, "bufferView", value=99), "POSITION names bufferViews[99], which is not there"),
        (setter("bufferViews", 0, "byteOffset", value=-4), "POSITION has byteOffset -4; a number from 0 up is needed"),
        (setter("bufferViews", 0, "byteStride", value=4), "POSITION: 20 values reach beyond their buffer of 1,920 bytes"),
        (setter("nodes", 0, value={"mesh": 5}), "a node names meshes[5], which is not there"),
        (setter("nodes", 0, value={"mesh": 0, "children": [0]}), "nodes[0] is reached twice, or there are more than 10,000"),
        (setter("nodes", 0, value={"mesh": 0, "scale": [1, 2, 1]}), "a node scales splats unequally, shears or mirrors them, which is not read"),
        (setter("nodes", 0, value={"mesh": 0, "scale": [-1, 1, 1]}), "a node scales splats unequally, shears or mirrors them, which is not read"),
        (setter("nodes", 0, value={"mesh": 0, "rotation": [0, 0, 0, 0]}), "nodes[0] has a transform that is not one of finite numbers"),
        (setter("nodes", 0, value={"mesh": 0, "matrix": ["x"] * 16}), "nodes[0] has a transform that is not one of finite numbers"),
        (setter("scenes", 0, "nodes", value="all"), "scene.nodes is no list of numbers"),
    ],
)  # fmt: skip
def test_what_is_broken_is_refused_in_one_line(random_cloud, change, message):
    data = rewritten(gltf.encode(random_cloud(20, 1)), lambda values: change(values))
    for read in (gltf.decode, gltf.describe):
        if read is gltf.describe and "components" in message:
            continue
        with pytest.raises(FormatError) as caught:
            read(data)
        assert str(caught.value) == f"glTF: {message}"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (SCALE, -1.0, "1 splats have a negative scale, the first at index 0"),
        (OPACITY, 1.5, "1 splats have an opacity outside 0 to 1, the first at index 0"),
        (OPACITY, np.nan, "1 splat has a NaN or infinite opacity, the first at index 0"),
        ("POSITION", np.inf, "1 splat has a NaN or infinite position, the first at index 0"),
    ],
)
def test_values_out_of_range_are_refused(random_cloud, name, value, message):
    data = bytearray(gltf.encode(random_cloud(3)))
    values = glb.parse(bytes(data)).json
    at = len(data) - values["buffers"][0]["byteLength"]
    view = values["bufferViews"][primitive_of(values)["attributes"][name]]
    struct.pack_into("<f", data, at + view["byteOffset"], value)
    with pytest.raises(FormatError) as caught:
        gltf.decode(bytes(data))
    assert str(caught.value) == f"glTF: {message}"


def test_one_mesh_a_million_times_is_refused(random_cloud):
    def change(values):
        values["nodes"] = [{"mesh": 0}] * 9000
        values["scenes"] = [{"nodes": list(range(9000))}]

    data = rewritten(gltf.encode(random_cloud(3000)), change)
    with pytest.raises(FormatError, match=r"^glTF claims 1,002,000 splats; the limit is 1,000,000$"):
        gltf.decode(data, Limits(max_splats=1_000_000))
    with pytest.raises(FormatError, match=r"^glTF: positions: .* bytes cannot hold the .* bytes that are claimed$"):
        gltf.decode(data, Limits(max_ratio=1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"glTF" + struct.pack("<II", 1, 20) + bytes(8), "glTF: .glb of version 1; version 2 is read"),
        (b"glTF" + struct.pack("<II", 2, 99) + bytes(8), "glTF: its header says 99 bytes, there are 20"),
        (b"glTF" + struct.pack("<IIII", 2, 20, 4, 0x4E4F534A), "glTF: a chunk of 4 bytes in a file of 20"),
        (b"glTF" + struct.pack("<IIII", 2, 20, 0, 0x004E4942), "glTF: its first chunk is not JSON"),
        (b"[" * 100_000, "glTF: not JSON: "),
        (b'{"asset": {"version": "2.0"}, "buffers": 7}', "glTF: its buffers are no list of up to 256"),
        (b'{"asset": {"version": "2.0"}, "buffers": [7]}', "glTF: buffers[0] is no object"),
        (b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 7}]}', "glTF: buffers[0] has no data"),
        (b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 7, "uri": "data:,x"}]}', "glTF: buffers[0] is a data URI that is not base64"),
        (b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 7, "uri": "data:;base64,!"}]}', "glTF: buffers[0]: broken base64"),
        (b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 7, "uri": "data:;base64,AAAA"}]}', "glTF: buffers[0] says 7 bytes, there are 3"),
        (b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 7, "uri": "http://a/b.bin"}]}', "glTF: buffers[0] is in the file 'http://a/b.bin'; a plain name beside it is needed"),
        (b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 7, "uri": "b.bin"}]}', "glTF: buffers[0] is in the file 'b.bin', which is not at hand"),
    ],
)  # fmt: skip
def test_broken_containers(data, message):
    with pytest.raises(FormatError) as caught:
        gltf.decode(data)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 300


def test_an_empty_cloud_cannot_be_written(random_cloud):
    with pytest.raises(FormatError, match=r"^glTF: holds no empty cloud: an accessor has one element or more$"):
        gltf.encode(random_cloud(0))


def test_too_much_json_is_not_parsed(monkeypatch):
    monkeypatch.setattr(glb, "MAX_JSON_BYTES", 10)
    with pytest.raises(FormatError, match=r"^glTF: 43 bytes of JSON; the limit is 10$"):
        gltf.decode(b'{"asset": {"version": "2.0"}, "buffers": 7}')


def test_the_text_form_holds_its_buffer(random_cloud):
    values = json.loads(gltf.encode(random_cloud(2), binary=False))
    head, _, text = values["buffers"][0]["uri"].partition(",")
    assert head == "data:application/octet-stream;base64"
    assert len(base64.b64decode(text)) == values["buffers"][0]["byteLength"]
