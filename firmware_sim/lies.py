"""What a liar says: payloads and topics that no honest device sends, each with the name of the lie."""

import json
from dataclasses import dataclass
from typing import Any

from firmware_sim.wire import MESSAGE_LIMIT_BYTES, SHARDS, shard_of, topic_root

NUMBERS_PER_LIE = 2
_TEN_YEARS_MS = 10 * 365 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth:
    """Who lies, with the two message numbers that the lie may use."""

    device_id: str
    boot: int
    seq: int
    utc_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """`says`: (topic, payload) in the order of saying."""

    name: str
    says: tuple[tuple[str, bytes], ...]


def lies(mouth: Mouth) -> tuple[Lie, ...]:
    """All lies, always as many and in the same order."""
    state = f"{topic_root(mouth.device_id)}/state"
    bad = [Lie(name=name, says=((state, payload),)) for name, payload in _bad_payloads(mouth).items()]
    return (*bad, *_wrong_places(mouth), *_wrong_times(mouth))


def lies_known() -> int:
    return len(lies(Mouth(device_id="x", boot=1, seq=1, utc_ms=0)))


def _bad_payloads(mouth: Mouth) -> dict[str, bytes]:
    head = f'{{"boot":{mouth.boot},"seq":{mouth.seq}'

    def state(**changes: Any) -> bytes:
        return _body({"boot": mouth.boot, "seq": mouth.seq} | changes)

    padding = MESSAGE_LIMIT_BYTES + 1 - len(state(fw=""))
    return {
        "text_for_bool": state(mains="yes"),
        "bool_for_int": state(battery_pct=True),
        "out_of_range": state(battery_pct=101),
        "float_for_int": state(uptime_s=1.5),
        "text_in_list": state(temp_c=["cold"]),
        "unknown_relay_cause": state(relay=True, relay_cause="ghost"),
        "duplicate_key": f'{head},"mains":true,"mains":false}}'.encode(),
        "nan": f'{head},"temp_c":[NaN]}}'.encode(),
        "beyond_all_numbers": f'{head},"temp_c":[1e999]}}'.encode(),
        "deep_nesting": f'{head},"x":{"[" * 8000}{"]" * 8000}}}'.encode(),
        "too_long": state(fw="9" * padding),
        "invalid_utf8": f'{head},"fw":"'.encode() + b'\xff\xfe"}',
        "missing_boot": _body({"seq": mouth.seq}),
        "negative_seq": state(seq=-1),
        "empty_array": b"[]",
        "batch_too_long": b"[" + b",".join([state()] * 501) + b"]",
        "not_an_object": b"42",
        "not_json": b"mains=0",
        "empty": b"",
    }


def _wrong_places(mouth: Mouth) -> tuple[Lie, ...]:
    body = _body({"boot": mouth.boot, "seq": mouth.seq, "mains": False})
    other = f"{mouth.device_id}x"
    other_shard = f"{(int(shard_of(mouth.device_id), 16) + 1) % SHARDS:02x}"
    return (
        Lie(name="foreign_topic", says=((f"{topic_root(other)}/state", body),)),
        Lie(name="own_id_other_shard", says=((f"isocket/v1/{other_shard}/{mouth.device_id}/state", body),)),
        Lie(name="unknown_topic", says=((f"{topic_root(mouth.device_id)}/gossip", body),)),
        Lie(
            name="other_version",
            says=((f"isocket/v9/{shard_of(mouth.device_id)}/{mouth.device_id}/state", body),),
        ),
    )


def _wrong_times(mouth: Mouth) -> tuple[Lie, ...]:
    topic = f"{topic_root(mouth.device_id)}/state"

    def state(seq: int, **changes: Any) -> tuple[str, bytes]:
        return topic, _body({"boot": mouth.boot, "seq": seq, "ts": mouth.utc_ms} | changes)

    first, second = mouth.seq, mouth.seq + 1
    return (
        Lie(name="repeat", says=(state(first, battery_pct=90), state(first, battery_pct=90))),
        Lie(name="repeat_with_other_content", says=(state(first, mains=True), state(first, mains=False))),
        Lie(name="out_of_order", says=(state(second, battery_pct=88), state(first, battery_pct=89))),
        Lie(name="future_clock", says=(state(first, ts=mouth.utc_ms + _TEN_YEARS_MS),)),
        Lie(name="clock_at_zero", says=(state(first, ts=0),)),
    )


def _body(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
