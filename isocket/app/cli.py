"""Where `isocket` begins and ends: Ctrl-C at any moment, a full disk and a folder that is gone bring no traceback."""

import codecs
import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

INTERRUPTED = 130  # what shells expect of a program that was interrupted


def main() -> None:
    """Run the command that was typed."""
    _on_ctrl_c(_end_at_once)
    _write_anything()
    try:
        run = _loaded()
        _on_ctrl_c(signal.default_int_handler)  # a command has something to put away first
        run()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            said = "There is no room left where this writes to: what it wrote or printed is not whole."
        elif _folder_is_gone():
            said = "The folder in which this was typed is gone, or closed to us: go into another."
        else:
            raise
        sys.stderr.write(f"{said}\n")
        os._exit(1)  # Python would try once more to write what is left, and fail aloud
    finally:
        _on_ctrl_c(_end_at_once)


def _write_anything() -> None:
    """Have what a terminal's own alphabet lacks, such as a name in a Latin-1 one, shown by its number, as JSON does."""
    codecs.register_error("by_number", _by_number)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a closed one is None
            stream.reconfigure(errors="by_number")


def _by_number(error: Any) -> tuple[str, int]:
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _loaded() -> Callable[[], None]:
    """Return the commands, ready to run; loading them takes half a second."""
    from typer.main import get_command

    from isocket.app.commands import app
    from isocket.app.process import keep_files_private
    from isocket.kit.logs import configure_logs

    keep_files_private()
    configure_logs()  # as a library would otherwise write them: unredacted, with the values of all that was at hand
    return get_command(app)


def _folder_is_gone() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _on_ctrl_c(handler: Callable[..., object]) -> None:
    """Have `handler` called, unless Ctrl-C is for others: a shell that runs us in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def _end_at_once(*_: object) -> None:
    os._exit(INTERRUPTED)
