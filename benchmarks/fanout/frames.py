"""The client's half of the websocket protocol, no more of it than a load generator needs."""

import os
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_FINAL, _OPCODE = 0x80, 0x0F
_CONTINUATION = 0x0
_WHOLE_TEXT = _FINAL | TEXT


class FrameReader:
    """Puts a server's frames together from whatever pieces they arrive in."""

    def __init__(self) -> None:
        self._rest = b""
        self._opcode = _CONTINUATION
        self._fragments: list[bytes] = []

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages that `data` completes: opcode and payload. Raises `ValueError`."""
        if self._rest:
            data = self._rest + data
        messages: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        while end - at >= 2:
            start, length = _extent(data, at)
            after = start + length
            if after > end:
                break
            if data[at] == _WHOLE_TEXT:
                messages.append((TEXT, data[start:after]))
            else:
                self._other(data[at], data[start:after], messages)
            at = after
        self._rest = data[at:]
        return messages

    def _other(self, first: int, payload: bytes, messages: list[tuple[int, bytes]]) -> None:
        """Take a control frame, which may stand between fragments, or a fragment."""
        opcode = first & _OPCODE
        if opcode >= CLOSE:
            messages.append((opcode, payload))
            return
        if opcode != _CONTINUATION:
            self._opcode = opcode
        self._fragments.append(payload)
        if first & _FINAL:
            messages.append((self._opcode, b"".join(self._fragments)))
            self._fragments = []


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Return where the payload of the frame at `at` starts and how long it is.

    Of a head that is not all there it says what cannot be complete either: a start beyond the end.
    """
    length = data[at + 1]
    if length < 126:
        return at + 2, length
    if length == 126:
        return at + 4, int.from_bytes(data[at + 2 : at + 4], "big")
    if length == 127:
        return at + 10, int.from_bytes(data[at + 2 : at + 10], "big")
    raise ValueError("a server's frame is masked")


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame with a short payload (at most 125 bytes)."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[position % 4] for position, byte in enumerate(payload))
    return bytes((_FINAL | opcode, 0x80 | len(payload))) + mask + body


def close_code(payload: bytes) -> int:
    """Return the code in the payload of a close frame; 1005 where it has none."""
    return struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
