"""Stores on a disk that is full: every question is answered, and nothing more is taken."""

import resource
from typing import Any

from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import StoreUnavailableError
from isocket.storage.records import StoredRecords

_VERBS = ("add_all", "change_one", "change_all", "remove_all")


class FullDisk(StoredRecords):
    """Records in memory that refuse whatever is to be written while the disk `is_full`."""

    def __init__(self) -> None:
        documents = MemoryDocuments()
        super().__init__(documents)
        self.is_full = False
        for name in _VERBS:
            setattr(documents, name, self._refusing(getattr(documents, name)))

    def _refusing(self, verb: Any) -> Any:
        async def either(*given: Any, **named: Any) -> Any:
            if self.is_full:
                raise StoreUnavailableError("no room")
            return await verb(*given, **named)

        return either


def take_room_from(pid: int) -> None:
    """Let the kernel refuse every byte that this process would write to a file, as it does where a disk is full."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def give_room_to(pid: int) -> None:
    """Undo `take_room_from`."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
