"""The benchmark's own reader of websocket frames: what it misread, the server would seem to have lost."""

import struct

import pytest

from benchmarks.fanout.frames import CLOSE, PING, PONG, TEXT, FrameReader, close_code, masked

LENGTHS = (0, 1, 125, 126, 127, 65535, 65536)


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """A server's frame."""
    head = bytes((0x80 * final | opcode,))
    if len(payload) < 126:
        return head + bytes((len(payload),)) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack("!H", len(payload)) + payload
    return head + b"\x7f" + struct.pack("!Q", len(payload)) + payload


def text(length: int) -> bytes:
    """A payload of this length that is nowhere like itself."""
    return bytes(number * 7 % 251 for number in range(length))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_frame_of_any_length_is_read(length: int) -> None:
    assert FrameReader().feed(frame(text(length))) == [(TEXT, text(length))]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_frame_cut_anywhere_near_its_head_is_read_once(length: int) -> None:
    whole = frame(text(length)) + frame(b"next")
    for cut in range(min(len(whole), 16)):
        reader = FrameReader()
        messages = [*reader.feed(whole[:cut]), *reader.feed(whole[cut:])]
        assert messages == [(TEXT, text(length)), (TEXT, b"next")]


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000, 65536])
def test_many_frames_in_pieces_come_out_whole_and_in_order(step: int) -> None:
    sent = [
        text(length)
        for length in (0, 125, 3, 126, 200, 65535 if step > 5 else 400, 65536 if step > 5 else 127)
    ]
    stream = b"".join(map(frame, sent))
    reader = FrameReader()
    got = [message for at in range(0, len(stream), step) for message in reader.feed(stream[at : at + step])]
    assert got == [(TEXT, payload) for payload in sent]


def test_many_frames_in_one_piece_come_out_at_once() -> None:
    assert FrameReader().feed(frame(b"a") * 500) == [(TEXT, b"a")] * 500


def test_control_frames_come_out_between_the_fragments_of_a_message() -> None:
    stream = (
        frame(b"one ", final=False)
        + frame(b"ping", PING)
        + frame(b"two ", 0, final=False)
        + frame(b"three", 0)
        + frame(b"whole")
    )
    assert FrameReader().feed(stream) == [(PING, b"ping"), (TEXT, b"one two three"), (TEXT, b"whole")]


def test_a_close_frame_has_its_code() -> None:
    [(opcode, payload)] = FrameReader().feed(frame(struct.pack("!H", 4408) + b"slow", CLOSE))
    assert (opcode, close_code(payload), close_code(b"")) == (CLOSE, 4408, 1005)


def test_a_masked_frame_is_no_servers() -> None:
    with pytest.raises(ValueError, match="masked"):
        FrameReader().feed(masked(PONG, b"x"))


def test_an_answer_is_masked_and_can_be_unmasked() -> None:
    answer = masked(PONG, b"hello, server")
    mask, body = answer[2:6], answer[6:]
    assert answer[:2] == bytes((0x8A, 0x80 | 13))
    assert bytes(byte ^ mask[at % 4] for at, byte in enumerate(body)) == b"hello, server"
