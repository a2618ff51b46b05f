"""Ctrl-C at any moment of a command's life ends it with the exit code of what was interrupted, without a traceback."""

import subprocess
import sys

import pytest

from tests.fakes.patience import PATIENCE_S

AT_A_TERMINAL = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)"
IN_THE_BACKGROUND = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
PRESS = "os.kill(os.getpid(), signal.SIGINT)"
WHILE_IT_LOADS = f"""
import os, signal, sys
class Presses:
    def find_spec(self, name, path, target=None):
        if name == "isocket.app.commands":
            {PRESS}
sys.meta_path.insert(0, Presses())
"""
WHILE_IT_RUNS = f"""
import os, signal
import isocket.app.commands as commands
commands.settings_markdown = lambda: {PRESS}
"""
WHILE_IT_ENDS = f"""
import atexit, os, signal
atexit.register(lambda: {PRESS})
"""


@pytest.mark.parametrize("moment", [WHILE_IT_LOADS, WHILE_IT_RUNS, WHILE_IT_ENDS])
def test_ctrl_c_ends_it_without_a_traceback(moment: str) -> None:
    assert run(AT_A_TERMINAL, moment, "settings") == (130, "")


def test_where_the_shell_has_it_ignore_ctrl_c_it_goes_on() -> None:
    assert run(IN_THE_BACKGROUND, WHILE_IT_LOADS, "--help") == (0, "")


def run(begun: str, moment: str, typed: str) -> tuple[int, str]:
    program = (
        f"{begun}\n{moment}\nimport sys\nfrom isocket.app.cli import main\nsys.argv = ['isocket', '{typed}']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return done.returncode, done.stderr
