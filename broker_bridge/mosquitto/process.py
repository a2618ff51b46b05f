"""Starts, watches, restarts and stops the Mosquitto child."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from broker_bridge.mosquitto.accounts import (
    AccountError,
    BridgeLogin,
    bridge_lines,
    device_line,
    home_line,
    new_bridge_logins,
    new_homes_login,
)
from broker_bridge.mosquitto.config import BrokerConfig, BrokerFolder, access_text, config_text
from broker_bridge.mosquitto.denials import HomeNews, RefusalCounts, RefusalReader
from broker_bridge.mosquitto.folder_claim import claim_folder, end_stale_broker
from broker_bridge.mosquitto.life import BrokerLife, BrokerStartError, begin_life, user_name
from broker_bridge.mosquitto.login import LoginAnswer, log_in_once
from broker_bridge.mosquitto.waiting import AwaitedOf, devices_in, end_sessions, passing_logins
from broker_bridge.topics import ALARMS, REPORTS, every
from isocket.kit.backoff import full_jitter
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger

log = get_logger(__name__)

_BACKOFF_BASE_S, _BACKOFF_CAP_S = 0.25, 10.0
_GOOD_LIFE_S = 60.0  # a broker that lived so long starts a new row of attempts


class MosquittoChild:
    """A Mosquitto of our own.

    Order of calls: `set_accounts`, `start`, then `run` as a task until the end; `set_accounts` again whenever
    the devices change, and `set_homes` likewise. `bridge_logins` and `homes_login` are the accounts of the bridge: new
    secrets with each object, in memory only. `home_news`, where it is set, is called on a thread of ours.
    `awaited_of`, where it is set, is asked at each start of the broker for which devices it is to keep what waits.
    """

    def __init__(self, *, config: BrokerConfig, folder: Path, clock: Clock) -> None:
        self.config = config
        self.refusals = RefusalCounts()
        self.bridge_logins: tuple[BridgeLogin, ...] = new_bridge_logins()
        self.homes_login: BridgeLogin = new_homes_login()
        self.home_news: HomeNews | None = None
        self.awaited_of: AwaitedOf | None = None
        self.restarts = 0
        self._folder = BrokerFolder(path=folder.absolute())
        self._clock = clock
        self._claim: int | None = None
        self._life: BrokerLife | None = None
        self._accounts: list[str] = []
        self._homes: dict[str, str] = {}  # the name of each to its line
        self._told: object = None  # what the living broker has read, None: nothing for sure
        self._one_at_a_time = asyncio.Lock()  # a reload must not meet a broker that is just starting

    @property
    def pid(self) -> int | None:
        """The broker's process id, None when it does not run."""
        return None if self._life is None or self._life.dead else self._life.process.pid

    async def set_accounts(self, accounts: Iterable[tuple[str, str]]) -> None:
        """Let exactly these devices in: pairs of device id and `secret_hash`.

        Returns when the broker knows them: a new device may connect, one that is gone or has a new secret
        loses its connection, the others notice nothing. An account that must not reach the file is left out
        and logged. Before `start` the accounts are only kept.
        """
        lines = _lines(accounts, device_line).values()
        async with self._one_at_a_time:
            self._accounts = list(lines)
            await self._tell_the_living()

    async def set_homes(self, homes: Iterable[tuple[str, str]]) -> None:
        """Let exactly these homes in: pairs of home id and `secret_hash`. Otherwise as `set_accounts`."""
        lines = _lines(homes, home_line)
        async with self._one_at_a_time:
            self._homes = lines
            await self._tell_the_living()

    async def start(self) -> None:
        """Return when the broker accepts logins; raise `BrokerStartError` when it cannot be started."""
        if self._claim is None:
            with _in_words(self._folder):
                self._claim = claim_folder(self._folder)
        if self._claim is None:
            raise BrokerStartError(
                f"Another cloud runs with {self._folder.path}. Stop it, or set ISOCKET_DATA_DIR to another folder."
            )
        try:
            async with self._one_at_a_time:
                await end_stale_broker(self._folder)
                await self._begin_life()
        except BaseException:
            await self.stop()
            raise

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the started broker alive until `stop`, then end it."""
        attempt = 0
        try:
            while not stop.is_set():
                born = self._clock.now()
                if await self._lives_until(stop):
                    break
                long_lived = (self._clock.now() - born).total_seconds() >= _GOOD_LIFE_S
                attempt = 0 if long_lived else attempt + 1
                pause_s = full_jitter(attempt, base_s=_BACKOFF_BASE_S, cap_s=_BACKOFF_CAP_S)
                if not await self._clock.wait(stop, pause_s):
                    await self._start_again()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """End the broker politely (it saves its sessions first), else by force, and let go of the folder."""
        if self._life is not None:
            await self._life.end()
            self._life = None
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    async def _tell_the_living(self) -> None:
        """Let the broker read what has changed, and nothing that has not.

        A reading stops the broker for a moment, and each account's erasure would be one.
        """
        known = self._known()
        if self._life is not None and known != self._told:
            self._told = None
            await self._write_rules()
            await self._write_accounts()
            await self._life.reload()
            self._told = known

    def _known(self) -> object:
        return tuple(self._accounts), tuple(self._homes.items())

    async def _lives_until(self, stop: asyncio.Event) -> bool:
        """Return True at `stop`, False when the broker died first or does not live."""
        if self._life is None:
            return False
        dead = asyncio.create_task(self._life.process.wait(), name="broker-child")
        stopping = asyncio.create_task(stop.wait(), name="broker-stop")
        try:
            await asyncio.wait((dead, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            dead.cancel()
            stopping.cancel()
        return stop.is_set()

    async def _start_again(self) -> None:
        async with self._one_at_a_time:
            if self._life is not None:
                life, self._life = self._life, None
                await life.end()
                log.error("broker_died", returncode=life.process.returncode, last_words=list(life.words))
            self.restarts += 1
            try:
                await self._begin_life()
            except BrokerStartError as error:  # a full disk too: the others work on, and make do with what they have
                log.error("broker_restart_failed", reason=str(error))  # noqa: TRY400 - the reason is whole
            else:
                log.info("broker_restarted", restarts=self.restarts)

    async def _begin_life(self) -> None:
        with _in_words(self._folder):
            config = config_text(self.config, self._folder, run_as=user_name())
            await asyncio.to_thread(_write_private, self._folder.config, config)
            await self._write_rules()
            given_up = passing_logins(await self._given_up())
            await self._write_accounts(given_up)
        try:
            life = await begin_life(self._folder, RefusalReader(self.refusals.add, self._on_home_news))
        except OSError as error:
            raise BrokerStartError(f"Mosquitto cannot be started: {error.strerror}.") from error
        try:
            await life.until_running(self.config)
            await self._wake_bridge_sessions()
            await end_sessions(self.config, given_up)
            for home_id in self._homes:  # a broker that was killed has told of nobody that they left
                self._on_home_news(home_id, None)
            with _in_words(self._folder):
                await self._write_accounts()
            await life.reload()
            self._told = self._known()
        except BaseException:
            await life.end()
            raise
        self._life = life

    async def _given_up(self) -> set[str]:
        """Return the devices whose sessions are in the broker's file and are kept no longer."""
        if self.awaited_of is None:
            return set()
        names = await asyncio.to_thread(devices_in, self._folder.saved)
        return names.difference(await self.awaited_of(names))

    async def _wake_bridge_sessions(self) -> None:
        """Log in once as each bridge account and subscribe, before any device is let in.

        A broker that was killed brings back the sessions as it last saved them, perhaps without subscriptions: it
        would acknowledge what devices publish, and keep it for nobody.

        Mosquitto 2.0 loses the access rules of a session that it read from its file when accounts are
        reloaded before that session's first login, and then drops what should wait there for the bridge.
        """
        for login, kinds in zip(self.bridge_logins, (REPORTS, ALARMS), strict=True):
            wanted = [every(kind) for kind in kinds]
            try:
                answer = await log_in_once(self.config.host, self.config.port, login, topics=wanted)
            except (OSError, ValueError) as error:
                raise BrokerStartError(f"Mosquitto runs but does not answer: {error!r}.") from error
            if answer is not LoginAnswer.ACCEPTED:
                raise BrokerStartError(
                    f"Mosquitto refuses the bridge's login ({answer.name}); is its version 2.0 or newer?"
                )

    def _on_home_news(self, home_id: str, subscription: str | None) -> None:
        if self.home_news is not None:
            self.home_news(home_id, subscription)

    async def _write_rules(self) -> None:
        await asyncio.to_thread(_write_private, self._folder.access, access_text(self._homes))

    async def _write_accounts(self, instead: Iterable[BridgeLogin] | None = None) -> None:
        """Write our own accounts and everybody else's, or those `instead`."""
        ours = bridge_lines((*self.bridge_logins, self.homes_login))
        others = (*self._accounts, *self._homes.values()) if instead is None else bridge_lines(instead)
        text = "\n".join([*ours, *others]) + "\n"
        await asyncio.to_thread(_write_private, self._folder.accounts, text)


def _lines(accounts: Iterable[tuple[str, str]], line_of: Callable[[str, str], str]) -> dict[str, str]:
    """Return the line of each account by its name."""
    lines = {}
    for name, secret_hash in accounts:
        try:
            lines[name] = line_of(name, secret_hash)
        except AccountError:
            log.exception("broker_account_left_out")
    return lines


@contextmanager
def _in_words(folder: BrokerFolder) -> Iterator[None]:
    """Say of the broker's files why they are of no use: a disk that is full, or that nobody may write to."""
    try:
        yield
    except OSError as error:
        raise BrokerStartError(
            f"Mosquitto cannot be started with {folder.path}: {error.strerror}. Make room there, or give the folder "
            "to the user who runs isocket."
        ) from error


def _write_private(path: Path, text: str) -> None:
    """Put `text` in place of the file at once, readable by our user only."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
