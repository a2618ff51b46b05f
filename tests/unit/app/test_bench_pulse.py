"""What the processor takes by itself, measured beside a benchmark."""

import json
import subprocess
import sys

from tests.fakes.patience import PATIENCE_S


def test_it_has_computed_however_soon_it_is_told_that_it_is_enough() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "isocket.app.bench.pulse"],
        input="enough\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    ready, took = done.stdout.splitlines()
    assert ready == "ready"
    assert all(seconds > 0 for seconds in json.loads(took))
    assert json.loads(took)
