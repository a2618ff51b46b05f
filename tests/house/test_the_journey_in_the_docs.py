"""The story in `docs/journey.py` is true: the very file lives through a whole cloud, from registering to leaving."""

import asyncio
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes.customer import text_of
from tests.fakes.patience import PATIENCE_S
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house

SCRIPT = Path(__file__).parents[2] / "docs" / "journey.py"
STEPS = 31  # told in the story


def story() -> ModuleType:
    """Return the script as its readers have it."""
    spec = importlib.util.spec_from_file_location("journey", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_customer_does_everything_by_the_api_from_registering_to_leaving(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()

    async def mail_that_has(address: str, pattern: str) -> str:
        async def look() -> list[str]:
            return [text for each in mail.accepted[address] if re.search(pattern, text := text_of(each))]

        return (await eventually(look, bool, f"a mail to {address}"))[-1]

    def mailbox(address: str, pattern: str) -> str:
        return asyncio.run_coroutine_threadsafe(mail_that_has(address, pattern), loop).result(2 * PATIENCE_S)

    async with WholeCloud(tmp_path, twilio=twilio, mail=mail) as cloud:

        async def from_now_on_nobody_has_to_wait() -> None:
            await cloud.stop()
            cloud.settings["ISOCKET_ERASURE_GRACE_DAYS"] = "0"
            await cloud.start()

        def before_leaving() -> None:
            asyncio.run_coroutine_threadsafe(from_now_on_nobody_has_to_wait(), loop).result(2 * PATIENCE_S)

        await cloud.start()
        (made,) = await cloud.provision()
        async with cloud.simulated([made], "day"):
            journey = story().journey
            await asyncio.to_thread(journey, cloud.origin, made.device_id, made.claim_code, mailbox, before_leaving)
        await cloud.stop()
    told = capsys.readouterr().out.splitlines()
    assert len(told) == STEPS, told
    assert "every file searched: True" in told[-2]
    assert told[-1].endswith("wrong-credentials")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "localhost:8080", "nothing"])
def test_where_no_cloud_answers_the_journey_says_so_in_a_line(address: str) -> None:
    words = [sys.executable, str(SCRIPT), address, "is1", "A-B-C-D"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rf"{address} does not answer as a cloud does: .+\n", done.stderr), done.stderr


def test_whoever_pastes_something_else_than_the_journey_asks_for_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pasted = iter(["no", "http://127.0.0.1/activate?token=abc"])
    monkeypatch.setattr("builtins.input", lambda _: next(pasted))
    journey = story()
    assert journey.link_in(journey.typed, "maija@example.org", "activate") == "abc"
    assert capsys.readouterr().out == "  That is no link with /activate.\n"
