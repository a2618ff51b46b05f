"""SQLite counts the memory that it takes, under one lock for all threads of a process, and nobody reads that here.

JSON in SQL takes and returns memory all the time: two threads that read side by side waited for that lock so much that
they were no quicker than one. The `sqlite3` module has no way to say so, so it is said to the library itself.
"""

import ctypes
import sys
from functools import cache
from sqlite3 import dbapi2

_MEMSTATUS = 9  # SQLITE_CONFIG_MEMSTATUS


@cache
def stop_counting() -> bool:
    """Let SQLite no longer count, if it can be told; return whether it does not. The first call counts.

    Call it before the first connection of the process: https://sqlite.org/c3ref/config.html allows it then only.
    Where one is open, and so holds memory that was counted, nothing is changed.
    """
    if sys.platform != "linux":
        return False
    try:
        library = ctypes.CDLL(sys.modules[dbapi2.connect.__module__].__file__)
        begin, end, configure = library.sqlite3_initialize, library.sqlite3_shutdown, library.sqlite3_config
        in_use = library.sqlite3_memory_used
    except (AttributeError, OSError):  # built into Python
        return False
    in_use.restype = ctypes.c_int64
    if in_use():
        return False
    end()  # importing the module has begun it
    done = configure(_MEMSTATUS, 0)
    return bool(begin() == 0 and done == 0)
