"""The benchmarks run and print figures that can be read; how quick the machine is, is no test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.patience import PATIENCE_S

pytestmark = pytest.mark.house


@pytest.mark.parametrize(
    ("name", "options", "figure"),
    [
        ("ingest", ["--reports", "5000", "--rate", "1000", "--seconds", "1"], "share_of_empty_handler"),
        ("signin", ["--seconds", "2", "--rate", "20", "--alarms-per-s", "5", "--cost", "10", "--no-again"], "storm"),
        ("enumeration", ["--samples", "10"], "tokens"),
        ("storm", ["--devices", "50", "--dark", "0"], "all_judged_s"),
        ("export", ["--days", "1", "--seconds", "1", "--alarms-per-s", "10"], "alarm_beside"),
        ("history", ["--days", "3", "--asked", "2"], "answered"),
        ("storm", ["--devices", "0", "--dark", "200", "--sms-per-s", "100"], "dark_fleet"),
    ],
)
def test_a_benchmark_prints_its_figures_as_json(name: str, options: list[str], figure: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("isocket"), "bench", name, *options, "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert figure in json.loads(run.stdout)


def test_an_alarm_is_measured_beside_what_disk_and_processor_take_by_themselves(tmp_path: Path) -> None:
    isocket = Path(sys.executable).with_name("isocket")
    command = [isocket, "bench", "alarm", "--alarms", "20", "--rate", "20", "--reports-per-s", "100"]
    run = subprocess.run(
        [*command, "--backlog", "500", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_S,
        check=True,
    )
    idle = json.loads(run.stdout)["idle"]
    assert idle["arrived"] == 20
    assert idle["bare_synchronised_write"]["p99_ms"] > 0
    assert idle["bare_computing"]["p99_ms"] >= idle["bare_computing"]["p50_ms"] > 0
