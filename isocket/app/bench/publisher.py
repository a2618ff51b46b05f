"""A process of its own that publishes reports or alarms at a given rate. Started by the benchmarks with a JSON job.

`{"host", "port", "kind": "state"|"alarm", "devices": [[id, secret, topic_root], …], "rate", "count", "boot"}`;
a rate of 0 means as fast as the broker acknowledges. The report goes to standard output: when each was published.
"""

import json
import socket
import sys
from selectors import EVENT_READ, DefaultSelector
from time import sleep, time
from typing import Any, cast

from isocket.app.bench.packets import PUBACK_SIZE, open_connection, publish_packet

IN_FLIGHT = 200  # a connection's messages without acknowledgement
BATCH = 50


class Publisher:
    """Publishes round robin over its devices, each on a connection of its own."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._devices: list[tuple[str, str, str]] = [tuple(each) for each in job["devices"]]
        self._socks = [open_connection(job["host"], job["port"], name, secret) for name, secret, _ in self._devices]
        self._place = {sock: number for number, sock in enumerate(self._socks)}
        self._sent = [0] * len(self._socks)
        self._acked_bytes = [0] * len(self._socks)
        self._published_at: list[float] = []
        self._ready = DefaultSelector()  # which, unlike `poll`, costs nothing for each of thousands that say nothing
        for sock in self._socks:
            self._ready.register(sock, EVENT_READ)

    def run(self) -> dict[str, Any]:
        """Publish everything; return times in seconds since 1970."""
        began = time()
        published = 0
        while published < self._job["count"]:
            due = self._due(began) - published
            if due <= 0:
                self._drain(0)
                sleep(0.0005)
                continue
            sent = self._publish(published, min(due, BATCH))
            published += sent
            self._drain(0 if sent else 50)
        ended = time()
        patience = ended + 60
        while sum(self._acked_bytes) // PUBACK_SIZE < published and time() < patience:
            self._drain(100)
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
        sent = 0
        for number in range(first, first + most):
            place = number % len(self._socks)
            if self._sent[place] - self._acked_bytes[place] // PUBACK_SIZE >= IN_FLIGHT:
                break
            self._sent[place] += 1
            seq = self._sent[place]
            kind = self._job["kind"]
            payload = (alarm if kind == "alarm" else state)(self._job["boot"], seq)
            packet = publish_packet(f"{self._devices[place][2]}/{kind}", payload, seq % 65_535 + 1)
            if kind == "alarm":
                self._published_at.append(time())
            self._socks[place].sendall(packet)
            sent += 1
        return sent

    def _drain(self, timeout_ms: int) -> None:
        for key, _ in self._ready.select(timeout_ms / 1000):
            sock = cast("socket.socket", key.fileobj)
            self._acked_bytes[self._place[sock]] += len(sock.recv(65_536))


def state(boot: int, seq: int) -> bytes:
    """Return a report of 200 bytes, as quiet as most are."""
    now_ms = int(time() * 1000)
    text = (
        f'{{"boot":{boot},"seq":{seq},"ts":{now_ms},"relay":true,"mains":true,"battery_pct":96,"charging":true,'
        f'"temp_c":[21.5],"input":[false],"armed":true,"signal_dbm":-71,"signal_pct":64,"fw":"1.4.2","uptime_s":{seq}'
    )
    return (text + "}").ljust(200).encode()


def alarm(boot: int, seq: int) -> bytes:
    """Return a loss of mains."""
    return json.dumps(
        {"boot": boot, "seq": seq, "ts": int(time() * 1000), "cause": "mains_lost", "active": True}
    ).encode()


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
