"""The data folder: where each file lies, that only our user may enter, and that one `isocket up` uses it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class DataFolderError(Exception):
    """The data folder cannot be used; the message says what to do."""


class NoInstallationError(DataFolderError):
    """There is no installation where the settings say."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One installation's files."""

    path: Path

    @property
    def master_key(self) -> Path:
        """The key that wraps everybody's keys. Back it up apart from the rest."""
        return self.path / "master.key"

    @property
    def pepper(self) -> Path:
        """The key that goes into every password hash."""
        return self.path / "pepper.key"

    @property
    def keyring(self) -> Path:
        """One key a person, wrapped."""
        return self.path / "keyring.sqlite"

    @property
    def push_key(self) -> Path:
        """The key by which push services know us. Back it up: browsers have subscribed to this one."""
        return self.path / "push.key"

    @property
    def erasures(self) -> Path:
        """Who was erased, as hashes. Never restore it: because of it a backup brings nobody back."""
        return self.path / "erasures.jsonl"

    @property
    def exports(self) -> Path:
        """Copies that people asked for, sealed under their own keys."""
        return self.path / "exports"

    @property
    def archives(self) -> Path:
        """What is kept sealed of customers who left, and who opened it when."""
        return self.path / "archive"

    @property
    def broker(self) -> Path:
        """What Mosquitto reads and keeps."""
        return self.path / "broker"

    @property
    def demo(self) -> Path:
        """What the demonstration remembers between two runs."""
        return self.path / "demo"

    def demand(self, store: Path) -> None:
        """Refuse to go on where there is no installation: a mistyped folder must not become a new, empty one.

        Raises:
            NoInstallationError: there is none.
            DataFolderError: its store is missing or its keys are, or we may not look.
        """
        if self.check_keys(store):
            return
        if self.master_key.exists() or self.keyring.exists():
            raise _lost(store, "missing")
        raise NoInstallationError(
            f"There is no installation in {self.path.absolute()}: set ISOCKET_DATA_DIR, or start one with `isocket up`."
        )

    def check_keys(self, store: Path) -> bool:
        """Return whether the store is there; refuse to go on without its keys: new ones would open nothing in it.

        The other way round as well: where passwords were hashed there was a store, and an empty one in its place would
        let no socket in.

        Raises:
            DataFolderError: a file that must be restored is missing, or we may not look.
        """
        try:
            lost = [each for each in (self.master_key, self.keyring) if not each.exists()]
            is_there = store.exists()
            if self.pepper.exists() and not (is_there and store.stat().st_size):
                raise _lost(store, "empty" if is_there else "missing")
            if not is_there:
                return False
        except OSError as error:
            raise self._of_no_use(error) from error
        if lost:
            raise DataFolderError(
                f"{lost[0]} is missing, and nothing personal in {store} can be read without it. "
                "Set ISOCKET_DATA_DIR to the folder where it lies, or restore it from its backup."
            )
        return True

    def prepare(self) -> None:
        """Make the folder, for our user only.

        Raises:
            DataFolderError: it cannot be made or belongs to somebody else.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
            (self.path / ".writable").touch(mode=0o600)
            (self.path / ".writable").unlink()
        except OSError as error:
            raise self._of_no_use(error) from error

    def check_place(self, store: Path) -> None:
        """Refuse a store whose own folder is not there, before keys are made for it.

        Raises:
            DataFolderError: the folder of the store is not there.
        """
        if not store.parent.is_dir():
            raise DataFolderError(
                f"{store} cannot be made: there is no folder {store.parent}. Make it, or set ISOCKET_STORE to a file "
                "in another."
            )

    def _of_no_use(self, error: OSError) -> DataFolderError:
        return DataFolderError(
            f"The data folder {self.path} cannot be used: {error.strerror}. "
            "Make room there, give it to the user who runs isocket, or set ISOCKET_DATA_DIR to another folder."
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one `isocket up`; the hold ends with the process, however that ends.

        Raises:
            DataFolderError: another process holds it, or nothing can be written there.
        """
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._of_no_use(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise DataFolderError(
                f"Another isocket (process {holder or 'unknown'}) runs with {self.path}. Stop it, or set "
                "ISOCKET_DATA_DIR to another folder."
            ) from None
        try:
            self._sign(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _sign(self, descriptor: int) -> None:
        """Write down who holds the folder."""
        try:
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            raise self._of_no_use(error) from error


def _lost(store: Path, how: str) -> DataFolderError:
    return DataFolderError(
        f"{store} is {how}, and its keys are there. Restore it from its backup, or set ISOCKET_STORE to where it lies."
    )
