"""How the file is opened, and how the processes that write to it take turns."""

import fcntl
import sqlite3
import time
from pathlib import Path

from isocket.storage.port import NotUnderstoodError, StoreUnavailableError

PAGE_BYTES = 4096
LONG_LOG_PAGES = 32_000  # about 128 MiB of write-ahead log: what a log that begins anew is cut to
LOCK_WAIT_S = 10.0
FIRST_SLEEP_S = 0.0002
LONGEST_SLEEP_S = 0.001


class OpenedFile:
    """The file that a name led to when it was opened. SQLite writes on when it is removed, into what nobody finds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened = self._found()

    def check(self) -> None:
        """Return if its name still leads to it.

        Raises:
            StoreUnavailableError: it was removed or replaced, what to do is said; or nobody can tell.
        """
        found = self._found()
        if found != self._opened:
            how = "removed" if found is None else "replaced by another"
            raise StoreUnavailableError(
                f"{self._path} was {how} while we use it: nothing is stored until it is back, or we are started again"
            )

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailableError(f"{self._path} cannot be looked for: {error.strerror}") from error
        return found.st_dev, found.st_ino


def connect(path: Path, *, read_only: bool = False, must_be_there: bool = False) -> sqlite3.Connection:
    """Open the file with the settings that our promises need; with `must_be_there`, none is made that is not.

    WAL: readers never wait for the writer. FULL: a commit is on disk when it returns. secure_delete: what is
    removed is overwritten. Checkpoints are made by a thread of their own (see `Checkpointer`), never inside a commit.
    """
    name = f"{path.absolute().as_uri()}?mode={'rw' if must_be_there else 'rwc'}"
    connection = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False, timeout=LOCK_WAIT_S)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "wal_autocheckpoint=0",
        f"journal_size_limit={LONG_LOG_PAGES * PAGE_BYTES}",
        "temp_store=MEMORY",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    if read_only:
        connection.execute("PRAGMA query_only=ON")
    return connection


def is_used_by_others(path: Path) -> bool:
    """Return whether another connection, of any process, has the file open. Nothing of ours may have it open."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=0)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # takes the lock that nobody else may have
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return True
        raise
    finally:
        connection.close()
    return False


def wait_at_most(connection: sqlite3.Connection, seconds: float) -> None:
    """Set how long SQLite itself waits for a lock."""
    connection.execute(f"PRAGMA busy_timeout={round(seconds * 1000)}")


class Turn:
    """Writers of several processes begin in turn, by a lock on a file beside the database.

    SQLite's own waiting sleeps up to 100 ms, and a process that writes without a pause takes its lock again before
    anybody wakes. Here who waits for SQLite's lock holds the door meanwhile, so that who just had it comes after.
    The kernel lets go of the door when a process dies.
    """

    def __init__(self, database: Path) -> None:
        self._door = Path(f"{database}-turn").open("ab")  # noqa: SIM115 - held open until `close`

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin a writing transaction, after at most LOCK_WAIT_S seconds.

        Raises:
            StoreUnavailableError: another process was writing all the time.
        """
        deadline = time.monotonic() + LOCK_WAIT_S
        sleep_s = FIRST_SLEEP_S
        try:
            while not (self._enter() and _begins(connection)):
                if time.monotonic() > deadline:
                    raise StoreUnavailableError(
                        "another process is writing all the time: try again, or end it if it stands still"
                    )
                time.sleep(sleep_s)
                sleep_s = min(sleep_s * 1.5, LONGEST_SLEEP_S)
        finally:
            fcntl.flock(self._door, fcntl.LOCK_UN)

    def _enter(self) -> bool:
        try:
            fcntl.flock(self._door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._door.close()


def unavailable(doing: str, error: sqlite3.OperationalError) -> StoreUnavailableError:
    """Return what whoever asked hears of an error; a full disk, a lock and the like are no mistake in a statement."""
    is_ours = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return (NotUnderstoodError if is_ours else StoreUnavailableError)(f"SQLite could not {doing}: {error}")


def _begins(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True
