"""`translight receive` on a stream whose pictures carry their numbers."""

import json
import uuid

import pytest

from translight.commands.receive import Receive
from translight.stream.barcode import Barcode, BarcodePlace, Corner, burn
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader
from translight.stream.shm import ShmSender

SPEC = PictureSpec(160, 96)


def test_the_pixels_number_is_told_beside_the_headers(capsys: pytest.CaptureFixture[str]) -> None:
    for burned, mismatched in ((41, 0), (40, 1)):
        name = f"test-{uuid.uuid4().hex[:12]}"
        with ShmSender(name, SPEC) as sender:
            burn(sender.acquire(), Barcode(burned, 5), BarcodePlace(Corner.TOP_LEFT, 8))
            sender.publish(FrameHeader(41, 160, 96, SPEC.format))
            assert Receive(f"shm://{name}", seconds=0.1, json=True).run() == 0
            report = json.loads(capsys.readouterr().out.splitlines()[-1])
            assert report["pixel_numbers"] == {"read": 1, "mismatched": mismatched, "unread": 0, "newest": burned}
            assert Receive(f"shm://{name}", seconds=0.1).run() == 0
            text = f"barcode in the pixels: frame {burned}; 1 read, {mismatched} unlike the header's number, 0 not read"
            assert text in capsys.readouterr().out.splitlines()


def test_without_a_barcode_nothing_is_said_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    with ShmSender(name, SPEC) as sender:
        sender.acquire()
        sender.publish(FrameHeader(41, 160, 96, SPEC.format))
        assert Receive(f"shm://{name}", seconds=0.1, json=True).run() == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["pixel_numbers"] is None
        assert Receive(f"shm://{name}", seconds=0.1).run() == 0
    assert "barcode" not in capsys.readouterr().out
