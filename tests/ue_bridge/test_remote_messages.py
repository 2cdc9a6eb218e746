"""Remote Control's messages: malformed ones are refused in one line, whatever the bytes."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.ue_bridge import remote_messages as rc

trees = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Type", "PresetName", "ResponseCode", "RequestId", "ChangedFields", "x"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.binary(max_size=60))
def test_random_bytes(data):
    with contextlib.suppress(ProtocolError):
        rc.parse_message(data)


@given(trees)
def test_random_trees(tree):
    data = json.dumps(tree).encode()
    for parse in (rc.parse_message, lambda d: rc.parse_batch(rc.parse_reply(200, d), 2)):
        try:
            found = parse(data)
        except ProtocolError:
            continue
        if isinstance(found, rc.Event):
            found.changed()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "Remote Control message is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"[]", "a Remote Control message has a ResponseCode or a Type, this one has neither"),
        (b'{"Type": 3}', "a Remote Control message has a ResponseCode or a Type, this one has neither"),
        (b'{"Type": "A", "PresetName": 3}', "a Remote Control event's PresetName is a text, got 3"),
        (b'{"ResponseCode": 200}', "a Remote Control reply's RequestId is an integer, got None"),
        (b'{"ResponseCode": true, "RequestId": 1}', "a Remote Control reply's ResponseCode is an integer, got True"),
    ],
)  # fmt: skip
def test_bad_messages(data, message):
    with pytest.raises(ProtocolError) as caught:
        rc.parse_message(data)
    assert str(caught.value) == message


def test_a_deep_message_is_no_json_of_ours():
    with pytest.raises(ProtocolError):
        rc.parse_message(b"[" * 100_000)


def test_batches_come_back_in_order_and_whole():
    two = {"RequestId": 2, "ResponseCode": 200, "ResponseBody": {"a": 1}}
    one = {"RequestId": 1, "ResponseCode": 404, "ResponseBody": {"errorMessage": "no"}}
    first, second = rc.parse_batch(rc.Reply(200, {"Responses": [two, one]}), 2)
    assert (first.ok, first.error, second.body) == (False, "no", {"a": 1})
    with pytest.raises(ProtocolError) as caught:
        rc.parse_batch(rc.Reply(200, {"Responses": [two]}), 2)
    assert str(caught.value) == "a batch's reply leaves out request 1 of 2"
    with pytest.raises(ProtocolError) as caught:
        rc.parse_batch(rc.Reply(200, None), 1)
    assert str(caught.value) == "a batch's reply has a list of Responses, this one has none"
    assert [r.error for r in rc.parse_batch(rc.Reply(500), 2)] == ["status 500", "status 500"]


def test_names_are_encoded_and_numbers_finite():
    assert rc.read_preset("My Preset", "a/b?").url == "/remote/preset/My%20Preset/property/a%2Fb%3F"
    with pytest.raises(ValueError, match="not JSON compliant"):
        rc.write("a", "b", float("nan")).payload()
