"""What Mosquitto is told: its configuration and its access rules, as text."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from broker_bridge import home_topics
from broker_bridge.mosquitto.accounts import BRIDGE_HOMES, BRIDGE_NAMES

UP_KINDS = ("state", "alarm", "ack", "reported", "status")  # the commonest first: rules are tried in order
DOWN_KINDS = ("stored", "cmd", "desired")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsListener:
    """Where devices connect in production, and the certificate shown to them (paths of PEM files)."""

    host: str
    port: int = 8883
    certfile: Path
    keyfile: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Where the broker listens and how much it may hold; the reasons for the figures stand in decision 0002."""

    host: str = "127.0.0.1"
    port: int = 1883
    tls: TlsListener | None = None
    max_queued_messages: int = 200_000  # about 580 bytes each: 120 MB for one bridge that is away
    max_inflight_messages: int = 4_000  # four times what the bridge acknowledges at once
    max_packet_bytes: int = 262_144  # four times the largest batch, so that the bridge can say why it refuses one
    autosave_s: int = 60  # each save stops the broker: 20 ms at 20,000 retained messages
    session_expiry_days: int = 14  # so long without a word from its device; looked for at each start of the broker


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFolder:
    """The files of one broker, all in one folder that only our user may enter."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration; its absolute path also tells our child from any other Mosquitto."""
        return self.path / "mosquitto.conf"

    @property
    def accounts(self) -> Path:
        """User names and hashed secrets."""
        return self.path / "accounts"

    @property
    def access(self) -> Path:
        """The access rules."""
        return self.path / "access"

    @property
    def saved(self) -> Path:
        """What the broker saves of sessions and retained messages."""
        return self.path / "mosquitto.db"

    @property
    def lock(self) -> Path:
        """Held while a cloud uses the folder."""
        return self.path / "lock"


def config_text(config: BrokerConfig, folder: BrokerFolder, *, run_as: str) -> str:
    """Return the configuration file.

    `run_as` matters to a broker started by root only: it would otherwise become the user `mosquitto`, who may
    not read our files.
    """
    lines = [
        "per_listener_settings false",
        f"user {run_as}",
        "allow_anonymous false",
        f"password_file {_one_line(folder.accounts)}",
        f"acl_file {_one_line(folder.access)}",
        "set_tcp_nodelay true",
        "retain_available true",
        f"max_packet_size {config.max_packet_bytes}",
        f"max_inflight_messages {config.max_inflight_messages}",
        f"max_queued_messages {config.max_queued_messages}",
        # No persistent_client_expiration: with it Mosquitto dies of reading its accounts, as decision 0002 tells.
        "persistence true",
        f"persistence_location {_one_line(folder.path)}/",
        f"persistence_file {folder.saved.name}",
        f"autosave_interval {config.autosave_s}",
        "sys_interval 0",
        # Standard error is written line by line; standard output would keep a refusal back until 4 KiB are full.
        "log_dest stderr",
        "log_timestamp false",
        "connection_messages true",
        # A refused publish is told at debug only.
        *(f"log_type {kind}" for kind in ("error", "warning", "notice", "information", "subscribe", "debug")),
        *_listener(config.host, config.port),
    ]
    if config.tls is not None:
        lines += [
            *_listener(config.tls.host, config.tls.port),
            f"certfile {_one_line(config.tls.certfile)}",
            f"keyfile {_one_line(config.tls.keyfile)}",
            "tls_version tlsv1.2",  # the least accepted
        ]
    return "\n".join(lines) + "\n"


def access_text(homes: Iterable[str] = ()) -> str:
    """Return the access rules: a device speaks and listens below its own name, the bridges everywhere.

    A home has rules of its own name: what is announced to it and how its sockets are, its wishes, and the topic on
    which every Home Assistant says that it is there. Nobody hears that one; who may not say it is cut off.

    Mosquitto cannot compute the shard, so a device passes with its own name below any shard; the bridge
    refuses what comes below a wrong one, and lets nothing stay there.
    """
    lines: list[str] = []
    for name in BRIDGE_NAMES:
        lines.append(f"user {name}")
        # Written to clear what a device left there to stay.
        lines += [f"topic readwrite isocket/v1/+/+/{kind}" for kind in UP_KINDS]
        lines += [f"topic write isocket/v1/+/+/{kind}" for kind in DOWN_KINDS]
    lines.append(f"user {BRIDGE_HOMES}")
    lines += [f"topic write {each}" for each in home_topics.said_to("+")]
    lines.append(f"topic readwrite {home_topics.wishes_of('+')}")  # written to clear one that was retained
    lines.append(f"topic write {home_topics.PRESENCE}")  # likewise
    for home_id in homes:
        lines.append(f"user {home_id}")
        lines += [f"topic read {each}" for each in home_topics.said_to(home_id)]
        lines.append(f"topic write {home_topics.wishes_of(home_id)}")
        lines.append(f"topic write {home_topics.PRESENCE}")
        # The patterns below hold for every name: a home is no device.
        lines += [f"topic deny isocket/v1/+/{home_id}/{kind}" for kind in (*UP_KINDS, *DOWN_KINDS)]
    lines += [f"pattern write isocket/v1/+/%u/{kind}" for kind in UP_KINDS]
    lines += [f"pattern read isocket/v1/+/%u/{kind}" for kind in DOWN_KINDS]
    return "\n".join(lines) + "\n"


def _listener(host: str, port: int) -> list[str]:
    # The client id is taken from the user name, so that nobody can take another's session.
    return [f"listener {port} {host}", "use_username_as_clientid true"]


def _one_line(path: Path) -> str:
    text = str(path.absolute())
    if "\n" in text or "\r" in text:
        raise ValueError(f"A path in the broker's configuration must be one line: {text!r}.")
    return text
