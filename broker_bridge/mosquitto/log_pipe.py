"""The pipe between the broker's standard error and us, emptied by a thread of its own."""

import fcntl
import os
import threading
from collections.abc import Callable

_PIPE_BYTES = 1 << 20  # 0.3 s of the log at 10,000 reports a second; the broker waits when the pipe is full
_PAUSE_S = 0.05  # gathers lines: reading each by itself costs 17 % of a core at that rate, gathered 1 %
_FEW_LINES = 64  # so many are read at once as they come
_LAST_LINE_S = 2.0


class LogPipe:
    """Hands the broker's lines on, in a thread, until the broker closes its end.

    A thread and not the event loop, so that a loop that stands still does not stop the broker.
    """

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(self._read_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._finishing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, take: Callable[[list[bytes]], None]) -> None:
        """Begin to read and give lines to `take`. Call it when the broker has its copy of `write_end`."""
        os.close(self.write_end)
        self._thread = threading.Thread(target=self._empty, args=(take,), name="broker-log", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Return when the last line has been taken; call it when the broker is gone."""
        self._finishing.set()
        if self._thread is not None:
            self._thread.join(_LAST_LINE_S)

    def drop(self) -> None:
        """Close a pipe that was never started."""
        os.close(self.write_end)
        os.close(self._read_end)

    def _empty(self, take: Callable[[list[bytes]], None]) -> None:
        tail, since_pause = b"", 0
        while chunk := os.read(self._read_end, _PIPE_BYTES):
            *lines, tail = (tail + chunk).split(b"\n")
            take(lines)
            since_pause += len(lines)
            if since_pause >= _FEW_LINES:
                self._finishing.wait(_PAUSE_S)
                since_pause = 0
        os.close(self._read_end)
