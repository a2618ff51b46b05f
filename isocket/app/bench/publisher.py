"""A process of its own that publishes reports or alarms at a given rate. Started by the benchmarks with a JSON job.

`{"host", "port", "kind": "state"|"alarm", "devices": [[id, secret, topic_root], …], "rate", "count", "boot"}`;
a rate of 0 means as fast as the broker acknowledges. The report goes to standard output: when each was published.
"""

import json
import select
import socket
import sys
from time import sleep, time
from typing import Any

from isocket.app.bench.packets import PUBACK_SIZE, open_connection, publish_packet

IN_FLIGHT = 200  # a connection's messages without acknowledgement
BATCH = 50
SHORTEST_SLEEP_S = 0.0005
DRAIN_EVERY = 1_000  # messages: to read each acknowledgement as it comes would cost as much as to publish
_STATE = (
    b'{"boot":%d,"seq":%d,"ts":%d,"relay":true,"mains":true,"battery_pct":96,"charging":true,"temp_c":[21.5],'
    b'"input":[false],"armed":true,"signal_dbm":-71,"fw":"1.4.2","uptime_s":%d}'
)
_STATE_SIZE = 200
_ALARM = b'{"boot":%d,"seq":%d,"ts":%d,"cause":"mains_lost","active":true}'


class Publisher:
    """Publishes round robin over its devices, each on a connection of its own.

    It shares the cores with what it measures, so it says and hears as much as it can with each system call.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        devices: list[tuple[str, str, str]] = [tuple(each) for each in job["devices"]]
        self._is_alarm = job["kind"] == "alarm"
        self._topics = [f"{root}/{job['kind']}" for _, _, root in devices]
        self._socks = [open_connection(job["host"], job["port"], name, secret) for name, secret, _ in devices]
        self._place = {sock.fileno(): number for number, sock in enumerate(self._socks)}
        self._sent = [0] * len(self._socks)
        self._acked_bytes = [0] * len(self._socks)
        self._published_at: list[float] = []
        self._ready = select.epoll()  # which, unlike `poll`, costs nothing for each of thousands that say nothing
        for sock in self._socks:
            self._ready.register(sock, select.EPOLLIN)

    def run(self) -> dict[str, Any]:
        """Publish everything; return times in seconds since 1970."""
        began = time()
        published = undrained = 0
        while published < self._job["count"]:
            due = self._due(began) - published
            if due <= 0:
                sleep(max(SHORTEST_SLEEP_S, began + published / self._job["rate"] - time()))
                continue
            sent = self._publish(published, min(due, BATCH))
            published += sent
            undrained += sent
            if not sent or undrained >= DRAIN_EVERY:
                self._drain(0 if sent else 0.05)
                undrained = 0
        ended = time()
        patience = ended + 60
        while sum(self._acked_bytes) // PUBACK_SIZE < published and time() < patience:
            self._drain(0.1)
        return {
            "began": began,
            "ended": ended,
            "published": published,
            "acknowledged": sum(self._acked_bytes) // PUBACK_SIZE,
            "at": self._published_at,
        }

    def _due(self, began: float) -> int:
        rate: float = self._job["rate"]
        count: int = self._job["count"]
        return count if rate == 0 else min(count, int((time() - began) * rate) + 1)

    def _publish(self, first: int, most: int) -> int:
        """Publish up to `most`, a message a device in turn; less when a device's window is full."""
        boot: int = self._job["boot"]
        sent = 0
        for number in range(first, first + most):
            place = number % len(self._socks)
            if self._sent[place] - self._acked_bytes[place] // PUBACK_SIZE >= IN_FLIGHT:
                break
            self._sent[place] = seq = self._sent[place] + 1
            now = time()
            payload = (alarm if self._is_alarm else state)(boot, seq, int(now * 1000))
            if self._is_alarm:
                self._published_at.append(now)
            self._socks[place].sendall(publish_packet(self._topics[place], payload, seq % 65_535 + 1))
            sent += 1
        return sent

    def _drain(self, timeout_s: float) -> None:
        for number, _ in self._ready.poll(timeout_s, len(self._socks)):
            place = self._place[number]
            self._acked_bytes[place] += len(self._socks[place].recv(65_536))


def state(boot: int, seq: int, at_ms: int) -> bytes:
    """Return a report of 200 bytes, as quiet as most are."""
    return (_STATE % (boot, seq, at_ms, seq)).ljust(_STATE_SIZE)


def alarm(boot: int, seq: int, at_ms: int) -> bytes:
    """Return a loss of mains."""
    return _ALARM % (boot, seq, at_ms)


def main() -> None:
    """Read the job from standard input, wait for `go`, publish, print the report."""
    job = json.loads(sys.stdin.readline())
    publisher = Publisher(job)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(publisher.run()), flush=True)


if __name__ == "__main__":
    socket.setdefaulttimeout(30)
    main()
