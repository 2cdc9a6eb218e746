import numpy as np
import pytest
from PIL import Image

from translight.reconstruction.structure_from_motion.gimbal import up_in_camera, up_of_angles

HEAD = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '


def photo(tmp_path, body):
    file = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(file, xmp=f"{HEAD}{body}</rdf:RDF></x:xmpmeta>".encode())
    return file


@pytest.mark.parametrize(
    ("pitch", "roll", "up"),
    [
        ("-90.00", "0.00", [0, 0, -1]),  # straight down: up is behind the camera
        ("+0.00", "+0.00", [0, -1, 0]),
        ("-45.0", "0", [0, -np.sqrt(0.5), -np.sqrt(0.5)]),
        ("0", "90", [-1, 0, 0]),  # leaning to its right, up is at the picture's left
    ],
)
def test_djis_angles(tmp_path, pitch, roll, up):
    attributes = (
        f'drone-dji:GimbalRollDegree="{roll}" drone-dji:GimbalYawDegree="+12" drone-dji:GimbalPitchDegree="{pitch}"/>'
    )
    assert np.allclose(up_in_camera(photo(tmp_path, attributes)), up, atol=1e-9)
    elements = f"><drone-dji:GimbalPitchDegree>{pitch}</drone-dji:GimbalPitchDegree><drone-dji:GimbalRollDegree>{roll}</drone-dji:GimbalRollDegree></rdf:Description>"
    assert np.allclose(up_in_camera(photo(tmp_path, elements)), up, atol=1e-9)


def test_no_angles(tmp_path):
    assert up_in_camera(photo(tmp_path, 'drone-dji:FlightPitchDegree="3"/>')) is None
    assert up_in_camera(photo(tmp_path, 'drone-dji:GimbalPitchDegree="down"/>')) is None
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    assert up_in_camera(tmp_path / "b.png") is None
    (tmp_path / "c.jpg").write_bytes(b"nothing")
    assert up_in_camera(tmp_path / "c.jpg") is None
    assert up_in_camera(tmp_path / "absent.jpg") is None


def test_up_is_a_unit_vector():
    assert np.linalg.norm(up_of_angles(0.3, -2.0)) == pytest.approx(1.0)
