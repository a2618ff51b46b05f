"""The backlog until `stored`, and what may be sent when."""

import json
from itertools import pairwise

from firmware_sim.backlog import Backlog
from firmware_sim.uplink import RESEND_AFTER_MS, STORED_WAIT_MS, Publication, Uplink
from firmware_sim.wire import Kind, Outgoing, Stored


def message(seq: int, kind: Kind = Kind.STATE, *, boot: int = 1, size: int = 0) -> Outgoing:
    payload = json.dumps({"boot": boot, "seq": seq, "fw": "9" * size}, separators=(",", ":")).encode()
    return Outgoing(kind=kind, boot=boot, seq=seq, payload=payload)


def seqs(publications: list[Publication]) -> list[int | list[int]]:
    bodies = [json.loads(publication.payload) for publication in publications]
    return [[b["seq"] for b in body] if isinstance(body, list) else body["seq"] for body in bodies]


def kept(uplink: Uplink) -> list[int]:
    return [m.seq for m in uplink.backlog.messages]


def connected() -> Uplink:
    uplink = Uplink(Backlog())
    uplink.connected(0)
    return uplink


def test_a_live_message_goes_at_once_and_is_kept_until_stored() -> None:
    uplink = connected()
    assert seqs(uplink.offer([message(1)])) == [1]
    assert kept(uplink) == [1]
    uplink.stored(Stored(boot=1, seq=1), 10)
    assert kept(uplink) == []


def test_settings_are_kept_too_so_that_no_number_is_missing_for_ever() -> None:
    uplink = connected()
    assert len(uplink.offer([message(1, Kind.REPORTED)])) == 1
    uplink.disconnected()
    uplink.connected(0)
    assert seqs(uplink.due(0)) == [1]


def test_stored_frees_everything_up_to_it_and_nothing_above() -> None:
    uplink = connected()
    uplink.offer([message(5, boot=1), message(1, boot=2), message(2, boot=2)])
    uplink.stored(Stored(boot=2, seq=1), 10)
    assert [(m.boot, m.seq) for m in uplink.backlog.messages] == [(2, 2)]


def test_after_a_reconnect_alarms_come_first_and_alone_then_reports_as_one_array() -> None:
    uplink = Uplink(Backlog())
    uplink.offer([message(1), message(2, Kind.ALARM), message(3), message(4, Kind.ALARM), message(5, Kind.ACK)])
    uplink.connected(0)
    assert seqs(uplink.due(0)) == [2, 4, 5]
    uplink.stored(Stored(boot=1, seq=5), 100)
    assert seqs(uplink.due(100)) == [[1, 3]]
    uplink.stored(Stored(boot=1, seq=3), 200)
    assert (seqs(uplink.due(200)), kept(uplink)) == ([], [])


def test_an_alarm_that_overtook_older_reports_does_not_free_them() -> None:
    uplink = Uplink(Backlog())
    uplink.offer([message(1), message(2, Kind.ALARM)])
    uplink.connected(0)
    uplink.due(0)
    uplink.stored(Stored(boot=1, seq=2), 100)
    assert kept(uplink) == [1]


def test_what_was_sent_on_a_lost_connection_is_sent_again() -> None:
    uplink = connected()
    uplink.offer([message(1), message(2)])
    uplink.disconnected()
    uplink.connected(1000)
    assert seqs(uplink.due(1000)) == [[1, 2]]


def test_a_cloud_that_confirms_nothing_stops_nobody_for_ever() -> None:
    uplink = Uplink(Backlog())
    uplink.offer([message(1), message(2, Kind.ALARM)])
    uplink.connected(0)
    uplink.due(0)
    assert seqs(uplink.due(STORED_WAIT_MS - 1)) == []
    assert seqs(uplink.due(STORED_WAIT_MS)) == [[1]]


def test_while_catching_up_new_reports_queue_and_new_alarms_do_not() -> None:
    uplink = Uplink(Backlog())
    uplink.offer([message(1)])
    uplink.connected(0)
    uplink.due(0)
    assert seqs(uplink.offer([message(2), message(3, Kind.ALARM)])) == [3]
    uplink.stored(Stored(boot=1, seq=1), 100)
    assert seqs(uplink.due(STORED_WAIT_MS)) == [[2]]


def test_a_long_backlog_goes_in_batches_of_500() -> None:
    uplink = Uplink(Backlog())
    uplink.offer([message(seq) for seq in range(1, 1201)])
    uplink.connected(0)
    sizes = []
    for round_trip in range(3):
        batch = uplink.due(round_trip)
        sizes.append(batch[0].reports)
        uplink.stored(Stored(boot=1, seq=1200), round_trip)
    assert (sizes, kept(uplink)) == ([500, 500, 200], [])


def test_a_batch_is_never_above_64_kib() -> None:
    uplink = Uplink(Backlog())
    uplink.offer([message(seq, size=1000) for seq in range(1, 200)])
    uplink.connected(0)
    [batch] = uplink.due(0)
    assert 60 * 1024 < len(batch.payload) <= 64 * 1024


def test_without_any_confirmation_for_two_minutes_everything_is_sent_again() -> None:
    uplink = connected()
    uplink.offer([message(1)])
    assert seqs(uplink.due(0)) == []
    assert seqs(uplink.due(RESEND_AFTER_MS - 1)) == []
    assert seqs(uplink.due(RESEND_AFTER_MS)) == [[1]]


def test_sending_again_becomes_rarer_each_time() -> None:
    uplink = connected()
    uplink.offer([message(1)])
    times = [t for t in range(0, 20 * RESEND_AFTER_MS, RESEND_AFTER_MS // 4) if uplink.due(t)]
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 4 * RESEND_AFTER_MS


def test_over_capacity_the_oldest_telemetry_is_lost_first_and_alarms_never() -> None:
    backlog = Backlog(capacity=3)
    for seq in (1, 2, 3):
        backlog.keep(message(seq, Kind.ALARM), sent=False)
    for seq in (4, 5):
        backlog.keep(message(seq), sent=False)
    backlog.keep(message(6, Kind.ALARM), sent=False)
    assert ([m.seq for m in backlog.messages], backlog.dropped) == ([1, 2, 3, 6], 2)


def test_of_two_reports_over_capacity_the_younger_stays() -> None:
    backlog = Backlog(capacity=1)
    backlog.keep(message(1), sent=False)
    backlog.keep(message(2), sent=False)
    assert [m.seq for m in backlog.messages] == [2]
