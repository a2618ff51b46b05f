"""Ctrl-C at any moment of a command's life ends it with the exit code of what was interrupted, without a traceback."""

import subprocess
import sys

import pytest

from tests.fakes.patience import PATIENCE_S

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
    program = f"{moment}\nimport sys\nfrom isocket.app.cli import main\nsys.argv = ['isocket', 'settings']\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_where_the_shell_has_it_ignore_ctrl_c_it_goes_on() -> None:
    begin = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
    program = f"{begin}\n{WHILE_IT_LOADS}\nfrom isocket.app.cli import main\nsys.argv = ['isocket', '--help']\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
