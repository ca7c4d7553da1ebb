"""A network cable to a port of this machine, which a test can pull out."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Cable:
    """Passes on what is sent to `port`. Once cut, nothing arrives any more and nobody is told."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._whole = threading.Event()
        self._whole.set()
        self._refuses = False
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes who accepts
        self._accepting.join(10)
        self._listener.close()
        self._whole.set()

    def cut(self) -> None:
        """Pull it out."""
        self._whole.clear()

    def refuse(self) -> None:
        """Break every connection, so that both ends know, and each new one."""
        with self._lock:
            self._refuses = True
            ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def mend(self) -> None:
        """Put it back: what was sent meanwhile arrives where both ends still wait for it."""
        self._refuses = False
        self._whole.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:  # nobody is there now
            near.close()
            return
        with self._lock:
            if self._refuses:
                near.close()
                far.close()
                return
            self._ends += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                sink.sendall(data)
            self._whole.wait()
            sink.shutdown(socket.SHUT_WR)
