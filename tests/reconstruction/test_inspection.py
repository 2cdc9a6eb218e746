from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from translight.reconstruction.capture import Capture, GeoPosition, Still
from translight.reconstruction.inspection import Severity, inspect_capture, verdict, will_fail
from translight.reconstruction.inspection_sheet import contact_sheet, verdicts
from translight.reconstruction.look import Look
from translight.reconstruction.structure_from_motion.view_graph import Overlap, PairOverlap

WILL, MAY, NOTE = Severity.WILL_FAIL, Severity.MAY_FAIL, Severity.NOTE


def names(count):
    return [f"{i:02}.jpg" for i in range(count)]


def a_capture(count=20, **keys):
    facts = {"camera": "Acme 80x60", "focal_px": 70.0, "geo": GeoPosition(1, 2, 3), "exposure_ev": 12.0} | keys
    return Capture(Path("beach"), tuple(Still(name, Path(name), 80, 60, **facts) for name in names(count)))


def changed(capture, which, **keys):
    stills = tuple(replace(still, **keys) if i in which else still for i, still in enumerate(capture.stills))
    return replace(capture, stills=stills)


def a_look(i=0, **keys):
    tiny = np.random.default_rng(i).normal(size=1024).astype(np.float32)
    tiny /= np.linalg.norm(tiny)
    facts = {"blur": 0.2 + 0.001 * (i % 3), "light": 0.2, "white": 0.0, "black": 0.0, "tiny": tiny} | keys
    return Look(**facts, thumbnail=np.full((60, 80, 3), 90, np.uint8))


def good_looks(count=20, **changes):
    return {name: a_look(i, **changes.get(f"_{i}", {})) for i, name in enumerate(names(count))}


def said(findings):
    return [(finding.severity, finding.kind, finding.pictures) for finding in findings]


def chain(count, *, broken=(), features=2000):
    pairs = [
        PairOverlap(a, b, 100, 100)
        for i, (a, b) in enumerate(zip(names(count), names(count)[1:], strict=False))
        if i not in broken
    ]
    return Overlap(dict.fromkeys(names(count), features), tuple(pairs), "every pair")


def test_a_good_capture_has_no_findings():
    findings = inspect_capture(a_capture(), good_looks(), overlap=chain(20))
    assert findings == ()
    assert not will_fail(findings)
    assert verdict(findings) == "nothing speaks against it"


@pytest.mark.parametrize(("count", "severity"), [(1, WILL), (4, WILL), (5, MAY), (14, MAY), (15, None)])
def test_too_few(count, severity):
    findings = inspect_capture(a_capture(count), good_looks(count))
    assert said(findings) == ([] if severity is None else [(severity, "few", ())])
    if severity is not None:
        assert findings[0].what == ("too few: 1 picture" if count == 1 else f"too few: {count} pictures")


def test_blur_against_the_captures_own_median():
    looks = good_looks(_3={"blur": 0.27}, _7={"blur": 0.3}, _9={"blur": 0.45})
    (finding,) = inspect_capture(a_capture(), looks)
    assert said([finding]) == [(MAY, "blur", ("07.jpg", "09.jpg"))]
    assert finding.what == "2 pictures blurred (this capture's median is 0.20, theirs 0.28 or more)"
    soft = {name: replace(look, blur=0.55) for name, look in good_looks().items()}
    (finding,) = inspect_capture(a_capture(), soft)
    assert len(finding.pictures) == 20
    assert finding.do == "take them again with a shorter exposure"
    varied = {name: replace(look, blur=0.15 + 0.01 * i) for i, (name, look) in enumerate(good_looks().items())}
    assert inspect_capture(a_capture(), varied) == ()


def test_twins():
    looks = good_looks()
    looks["05.jpg"] = replace(looks["05.jpg"], tiny=looks["02.jpg"].tiny)
    looks["06.jpg"] = replace(looks["06.jpg"], tiny=looks["02.jpg"].tiny)
    (finding,) = inspect_capture(a_capture(), looks)
    assert said([finding]) == [(NOTE, "twins", ("05.jpg", "06.jpg"))]
    assert finding.what == "2 pictures from the same place as another one; 18 differ"
    half = {
        name: replace(look, tiny=looks[f"{i // 2 * 2:02}.jpg"].tiny) for i, (name, look) in enumerate(looks.items())
    }
    assert said(inspect_capture(a_capture(), half))[0][:2] == (MAY, "twins")
    all_one = {name: replace(look, tiny=looks["00.jpg"].tiny) for name, look in looks.items()}
    assert said(inspect_capture(a_capture(), all_one))[0][:2] == (WILL, "twins")


def test_light():
    looks = good_looks(_1={"light": 0.001, "blur": 1.0}, _2={"white": 0.4}, _3={"white": 0.5, "black": 0.3})
    findings = inspect_capture(a_capture(), looks)
    assert said(findings) == [
        (MAY, "dark", ("01.jpg",)),
        (MAY, "clipped", ("03.jpg",)),
        (NOTE, "clipped", ("02.jpg",)),
    ]


def test_exposure_by_exif_and_by_brightness():
    assert inspect_capture(changed(a_capture(), [3], exposure_ev=12.9), good_looks()) == ()
    (finding,) = inspect_capture(changed(a_capture(), [3], exposure_ev=13.5), good_looks())
    assert (finding.severity, finding.what) == (NOTE, "the camera's exposure varies by 1.5 stops")
    assert inspect_capture(changed(a_capture(), [3], exposure_ev=15.5), good_looks())[0].severity is MAY
    assert inspect_capture(a_capture(exposure_ev=None), good_looks(_4={"light": 0.75})) == ()
    (finding,) = inspect_capture(a_capture(exposure_ev=None), good_looks(_4={"light": 0.9}))
    assert finding.severity is NOTE
    assert finding.what == "the pictures' brightness (EXIF says nothing of exposure) varies by 2.2 stops"


def test_mixed_cameras_but_not_a_camera_held_upright():
    upright = changed(a_capture(), [0, 1], width_px=60, height_px=80, camera="Acme 60x80")
    assert inspect_capture(upright, good_looks()) == ()
    (finding,) = inspect_capture(changed(a_capture(), range(10), camera="Other 80x60"), good_looks())
    assert said([finding]) == [(NOTE, "cameras", ())]
    assert finding.what == "2 cameras, lens settings or sizes: Acme 80x60 (10), Other 80x60 (10)"
    (finding,) = inspect_capture(changed(a_capture(), [4], camera="Other 80x60"), good_looks())
    assert said([finding]) == [(MAY, "cameras", ("04.jpg",))]


def test_what_exif_does_not_say():
    findings = inspect_capture(a_capture(focal_px=None, geo=None), good_looks())
    assert [finding.what for finding in findings] == ["no focal length in EXIF", "no GPS positions"]
    findings = inspect_capture(changed(a_capture(geo=None), [1], focal_px=None, geo=GeoPosition(1, 2, 3)), good_looks())
    assert [(finding.what, finding.pictures) for finding in findings] == [
        ("no focal length in EXIF of 1 picture", ("01.jpg",)),
        ("GPS positions in 1 picture only", ()),
    ]
    assert inspect_capture(a_capture(focal_px=None, geo=None), good_looks(), cameras_known=True) == ()


def test_overlap():
    (finding,) = inspect_capture(a_capture(), good_looks(), overlap=chain(20, broken=[17]))
    assert said([finding]) == [(MAY, "overlap", ("18.jpg", "19.jpg"))]
    assert finding.what == "no overlap between 2 groups, of 18, 2 pictures; 18 of 20 hang together"
    (finding,) = inspect_capture(a_capture(), good_looks(), overlap=chain(20, broken=[6, 13]))
    assert finding.severity is WILL
    (finding,) = inspect_capture(a_capture(), good_looks(), overlap=chain(20, features=299))
    assert (finding.severity, finding.kind, len(finding.pictures)) == (MAY, "plain", 20)


def test_damage():
    damaged = {"x.jpg": "x.jpg: not a readable picture"}
    (finding,) = inspect_capture(a_capture(), good_looks(), damaged=damaged)
    assert said([finding]) == [(WILL, "damaged", ("x.jpg",))]
    (finding,) = inspect_capture(a_capture(), good_looks(), damaged=damaged, skip_damaged=True)
    assert finding.severity is NOTE


def test_nothing_at_all_is_too_few():
    findings = inspect_capture(Capture(Path("beach"), ()), {}, damaged={"x.jpg": "bad"})
    assert {finding.kind for finding in findings} >= {"damaged", "few"}
    assert will_fail(findings)
    assert contact_sheet("beach", {}, findings, ["x.jpg"]).ndim == 3


def test_the_worst_comes_first_and_gives_the_verdict():
    looks = good_looks(4, _1={"white": 0.4})
    findings = inspect_capture(a_capture(4, geo=None), looks, overlap=chain(4, features=10))
    order = [list(Severity).index(finding.severity) for finding in findings]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}
    assert verdict(findings) == "this will fail"
    assert verdict(findings[1:2]) == "this may fail"
    judged = verdicts(["00.jpg", "01.jpg"], findings)
    assert judged == {"00.jpg": (MAY, "plain"), "01.jpg": (MAY, "plain, clipped")}
    assert verdicts(["00.jpg"], ()) == {"00.jpg": (None, "good")}


def test_the_contact_sheet_frames_each_picture_by_its_verdict():
    looks = good_looks(_2={"white": 0.4}, _9={"blur": 0.9})
    findings = inspect_capture(a_capture(), looks, damaged={"x.jpg": "bad"})
    sheet = contact_sheet("beach", looks, findings, ["x.jpg"])
    colours = {
        tuple(colour): count
        for colour, count in zip(*np.unique(sheet.reshape(-1, 3), axis=0, return_counts=True), strict=True)
    }
    area = {
        kind: colours[rgb]
        for kind, rgb in {
            "good": (46, 160, 67),
            "note": (88, 140, 210),
            "may": (235, 160, 30),
            "will": (220, 50, 50),
        }.items()
    }
    # 18 good ones, one of each other kind; letters and the headline take or add a little
    assert area["note"] * 18 == pytest.approx(area["good"], rel=0.1)
    assert area["may"] == pytest.approx(area["note"], rel=0.1)
    assert area["will"] == pytest.approx(area["note"], rel=0.2)
    assert sheet.dtype == np.uint8
    long = contact_sheet("a title that is far longer than four thumbnails are wide " * 3, good_looks(1), ())
    assert long.shape[1] < 800
