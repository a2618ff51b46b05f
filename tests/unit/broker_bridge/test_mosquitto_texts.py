"""What the broker is told, and what is read from its log."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker_bridge.mosquitto.accounts import (
    BRIDGE_ALARMS,
    BRIDGE_HOMES,
    BRIDGE_TELEMETRY,
    AccountError,
    bridge_lines,
    device_line,
    home_line,
    new_bridge_logins,
)
from broker_bridge.mosquitto.config import (
    DOWN_KINDS,
    UP_KINDS,
    BrokerConfig,
    BrokerFolder,
    TlsListener,
    access_text,
    config_text,
)
from broker_bridge.mosquitto.denials import Refusal, RefusalCounts, RefusalKind, RefusalReader
from broker_bridge.topics import ForeignTopicError, parse
from isocket.domain.devices import topic_root
from isocket.domain.secrets import hash_secret, is_secret_hash, new_secret
from tests.fakes.device_secrets import verify_secret

FOLDER = BrokerFolder(path=Path("/srv/isocket data/broker"))


def read(*lines: str) -> tuple[list[Refusal], list[str]]:
    found: list[Refusal] = []
    rest = RefusalReader(found.append).read(line.encode() for line in lines)
    return found, rest


class TestSecrets:
    def test_a_secret_is_256_random_bits_in_43_letters_that_need_no_quoting(self) -> None:
        secrets = {new_secret() for _ in range(100)}
        assert len(secrets) == 100
        assert all(len(secret) == 43 and secret.replace("-", "").replace("_", "").isalnum() for secret in secrets)

    @given(st.text(max_size=60))
    def test_the_hash_knows_its_secret(self, secret: str) -> None:
        hashed = hash_secret(secret)
        assert is_secret_hash(hashed)
        assert verify_secret(secret, hashed)
        assert not verify_secret(secret + "x", hashed)

    def test_the_same_secret_is_hashed_differently_each_time(self) -> None:
        assert hash_secret("same") != hash_secret("same")

    def test_a_hash_written_by_mosquitto_passwd_is_understood(self) -> None:
        written = (
            "$6$jdwA0RJHn3lokkCk$8ELewRzGj/S2DKEMTpw/xwAQoKVi4QORCvb9S1b0"
            "y0CWCvnWhfUxYeVadWdNDY45a6d3CO3U0eAPRMf7Do6guQ=="
        )
        assert verify_secret("secret", written)
        assert not verify_secret("Secret", written)

    @pytest.mark.parametrize("other", ["", "secret", "$6$", "$7$101$AAECAwQFBgcICQoL$AAAA", "$6$AAEC$AAAA", "x:y"])
    def test_another_text_is_no_hash(self, other: str) -> None:
        assert not is_secret_hash(other)
        assert not verify_secret("secret", other)


class TestAccounts:
    def test_a_device_has_one_line(self) -> None:
        hashed = hash_secret("s")
        assert device_line("is4g-000001", hashed) == f"is4g-000001:{hashed}"

    @pytest.mark.parametrize(
        "name",
        [
            *["", "a:b", "a\nb", "a b", "+", "#", "a/b", "a%u", "-a", "é", "x" * 65],
            *[BRIDGE_TELEMETRY, BRIDGE_ALARMS, BRIDGE_HOMES, "home_1"],
        ],
    )
    def test_a_name_that_could_open_more_than_its_own_topics_is_refused(self, name: str) -> None:
        with pytest.raises(AccountError):
            device_line(name, hash_secret("s"))

    @pytest.mark.parametrize("name", ["home_a\nb", "home_/", "home_+", "is0000000001", BRIDGE_TELEMETRY, ""])
    def test_a_home_is_called_as_homes_are_and_nothing_else(self, name: str) -> None:
        with pytest.raises(AccountError):
            home_line(name, hash_secret("s"))

    def test_a_secret_that_is_not_hashed_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(AccountError) as error:
            device_line("is4g-000001", "plain-secret")
        assert "plain-secret" not in str(error.value)

    def test_the_bridge_has_two_accounts_with_secrets_of_this_start(self) -> None:
        logins, others = new_bridge_logins(), new_bridge_logins()
        assert [login.name for login in logins] == [BRIDGE_TELEMETRY, BRIDGE_ALARMS]
        assert len({login.secret for login in (*logins, *others)}) == 4
        assert logins[0].secret not in "".join(bridge_lines(logins)) + repr(logins)


class TestConfig:
    def test_nobody_enters_without_an_account_and_the_client_id_is_the_user_name(self) -> None:
        lines = config_text(BrokerConfig(), FOLDER, run_as="someone").splitlines()
        assert "allow_anonymous false" in lines
        at = lines.index("listener 1883 127.0.0.1")
        assert lines[at + 1] == "use_username_as_clientid true"
        assert "user someone" in lines

    def test_each_listener_takes_the_client_id_from_the_user_name(self) -> None:
        tls = TlsListener(host="0.0.0.0", certfile=Path("/etc/isocket/cert.pem"), keyfile=Path("/etc/isocket/key.pem"))  # noqa: S104 - text only
        lines = config_text(BrokerConfig(tls=tls), FOLDER, run_as="someone").splitlines()
        at = lines.index("listener 8883 0.0.0.0")
        assert lines[at + 1] == "use_username_as_clientid true"
        assert lines[at + 2 : at + 4] == ["certfile /etc/isocket/cert.pem", "keyfile /etc/isocket/key.pem"]
        assert lines.count("use_username_as_clientid true") == 2

    def test_the_limits_are_those_of_the_configuration(self) -> None:
        config = BrokerConfig(max_queued_messages=7, max_inflight_messages=8, max_packet_bytes=9, autosave_s=10)
        lines = config_text(config, FOLDER, run_as="someone").splitlines()
        assert {
            "max_queued_messages 7",
            "max_inflight_messages 8",
            "max_packet_size 9",
            "autosave_interval 10",
        } <= set(lines)

    def test_a_path_with_a_line_break_cannot_add_a_setting(self) -> None:
        folder = BrokerFolder(path=Path("/tmp/a\nallow_anonymous true"))
        with pytest.raises(ValueError, match="one line"):
            config_text(BrokerConfig(), folder, run_as="someone")

    def test_a_device_writes_five_kinds_and_reads_three_below_its_own_name_only(self) -> None:
        patterns = [line for line in access_text().splitlines() if line.startswith("pattern")]
        assert patterns == [
            *(f"pattern write isocket/v1/+/%u/{kind}" for kind in ("state", "alarm", "ack", "reported", "status")),
            *(f"pattern read isocket/v1/+/%u/{kind}" for kind in ("stored", "cmd", "desired")),
        ]

    def test_every_rule_without_a_name_belongs_to_a_bridge(self) -> None:
        lines = access_text().splitlines()
        first_topic = next(at for at, line in enumerate(lines) if line.startswith("topic"))
        assert lines[first_topic - 1] == f"user {BRIDGE_TELEMETRY}"
        assert [line for line in lines if line.startswith("user")] == [
            f"user {BRIDGE_TELEMETRY}",
            f"user {BRIDGE_ALARMS}",
            f"user {BRIDGE_HOMES}",
        ]

    def test_a_home_hears_and_wishes_in_its_own_branch_says_that_it_is_there_and_no_more(self) -> None:
        lines = access_text(["home_a", "home_b"]).splitlines()
        at = lines.index("user home_a")
        assert lines[at + 1 : lines.index("user home_b")] == [
            "topic read homeassistant/device/home_a/+/config",
            "topic read isocket/v1/home/home_a/+/state",
            "topic write isocket/v1/home/home_a/+/set/+",
            "topic write homeassistant/status",
            *(f"topic deny isocket/v1/+/home_a/{kind}" for kind in (*UP_KINDS, *DOWN_KINDS)),
        ]

    def test_a_home_is_no_device(self) -> None:
        with pytest.raises(ForeignTopicError):
            parse(f"{topic_root('home_a')}/state")

    def test_the_bridge_of_homes_hears_no_device_and_moves_none(self) -> None:
        lines = access_text(["home_a"]).splitlines()
        rules = lines[lines.index(f"user {BRIDGE_HOMES}") + 1 : lines.index("user home_a")]
        assert rules == [
            "topic write homeassistant/device/+/+/config",
            "topic write isocket/v1/home/+/+/state",
            "topic readwrite isocket/v1/home/+/+/set/+",
            "topic write homeassistant/status",
        ]


class TestRefusals:
    @pytest.mark.parametrize(
        ("line", "refusal"),
        [
            (
                "Denied PUBLISH from dev-2 (d0, q1, r1, m4, 'isocket/v1/00/dev-1/cmd', ... (4 bytes))",
                Refusal(kind=RefusalKind.PUBLISH, device_id="dev-2"),
            ),
            ("dev-2 1 #", Refusal(kind=RefusalKind.SUBSCRIBE, device_id="dev-2")),
            ("dev-2 0 $share/g/a b", Refusal(kind=RefusalKind.SUBSCRIBE, device_id="dev-2")),
            ("Client <unknown> disconnected, not authorised.", Refusal(kind=RefusalKind.LOGIN)),
            ("Client dev-1 disconnected, not authorised.", Refusal(kind=RefusalKind.ANONYMOUS)),
            (
                "Client dev-2 disconnected due to oversize packet.",
                Refusal(kind=RefusalKind.TOO_LARGE, device_id="dev-2"),
            ),
            ("Client <unknown> disconnected due to protocol error.", Refusal(kind=RefusalKind.MALFORMED)),
        ],
    )
    def test_a_refusal_is_read_from_its_line(self, line: str, refusal: Refusal) -> None:
        assert read(line) == ([refusal], [])

    @pytest.mark.parametrize(
        "line",
        [
            "Received PUBLISH from dev-2 (d0, q1, r0, m2, 'isocket/v1/00/dev-2/state', ... (4 bytes))",
            "Sending PUBACK to dev-2 (m2, rc0)",
            f"dev-2 1 {topic_root('dev-2')}/cmd",
            f"dev-2 1 {topic_root('dev-2')}/#",
            f"{BRIDGE_TELEMETRY} 1 isocket/v1/+/+/state",
            "Client dev-2 disconnected.",
            "Client dev-2 closed its connection.",
            "New client connected from 127.0.0.1:5 as dev-2 (p2, c1, k60, u'dev-2').",
            "\tisocket/v1/00/dev-2/cmd (QoS 1)",
        ],
    )
    def test_normal_work_is_no_refusal(self, line: str) -> None:
        assert read(line) == ([], [])

    @pytest.mark.parametrize(
        ("topic", "foreign"),
        [
            ("isocket/v1/00/dev-2/status", False),
            ("isocket/v1/00/dev-1/status", True),
            ("isocket/v1/00/dev-2/cmd", True),
            ("isocket/v1/00/dev-2/status/more", True),
            ("$SYS/x", True),
        ],
    )
    def test_a_will_is_judged_by_its_topic(self, topic: str, foreign: bool) -> None:
        found, _ = read(
            "New client connected from 127.0.0.1:5 as dev-2 (p2, c1, k60, u'dev-2').",
            "Will message specified (4 bytes) (r1, q1).",
            f"\t{topic}",
        )
        assert found == ([Refusal(kind=RefusalKind.WILL, device_id="dev-2")] if foreign else [])

    def test_what_a_home_asks_for_is_told_and_not_refused(self) -> None:
        found, told = list[Refusal](), list[tuple[str, str | None]]()
        RefusalReader(found.append, lambda *news: told.append(news)).read(
            line.encode()
            for line in (
                "New client connected from 127.0.0.1:5 as home_a (p2, c1, k60, u'home_a').",
                "Will message specified (7 bytes) (r0, q0).",
                "\thomeassistant/status",
                "home_a 0 homeassistant/device/+/+/config",
                "home_a 0 isocket/v1/home/home_b/+/state",
                "Client home_a disconnected, not authorised.",
                "Client home_a closed its connection.",
                "Client dev-1 closed its connection.",
            )
        )
        assert told == [("home_a", "homeassistant/device/+/+/config"), ("home_a", None)]
        assert found == [
            Refusal(kind=RefusalKind.SUBSCRIBE, device_id="home_a"), Refusal(kind=RefusalKind.ANONYMOUS),
        ]  # fmt: skip

    @pytest.mark.parametrize("why", ["oversize packet", "malformed packet", "protocol error"])
    def test_a_home_that_is_cut_off_for_what_it_sends_has_left(self, why: str) -> None:
        told = list[tuple[str, str | None]]()
        reader = RefusalReader(lambda _: None, lambda *news: told.append(news))
        reader.read([f"Client {name} disconnected due to {why}.".encode() for name in ("home_a", "dev-1", "<unknown>")])
        assert told == [("home_a", None)]

    def test_what_the_broker_says_of_itself_is_handed_on(self) -> None:
        assert read("Error: Address already in use", "Sending CONNACK to x (0, 0)") == (
            [],
            ["Error: Address already in use"],
        )

    def test_counts_are_kept_by_kind_and_device_with_zeros(self) -> None:
        counts = RefusalCounts()
        for device in ("a", "a", "b"):
            counts.add(Refusal(kind=RefusalKind.WILL, device_id=device))
        assert counts.totals() == {kind: 3 if kind is RefusalKind.WILL else 0 for kind in RefusalKind}
        assert counts.of_device("a") == {RefusalKind.WILL: 2}
