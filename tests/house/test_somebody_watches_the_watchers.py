"""A cloud that is well says so to an outside dead man's switch, which calls its operator when it hears nothing."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.smtp_server import SmtpSink
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house


async def test_a_cloud_that_is_well_is_heard_outside_and_shows_when_it_last_was(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    pings: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        pings.append(request.path)
        return web.Response(text="OK")

    app = web.Application()
    app.router.add_get("/ping/{switch}", hear)
    async with TestServer(app) as switch, WholeCloud(tmp_path, twilio=twilio, mail=mail) as cloud:
        cloud.settings["ISOCKET_HEARTBEAT_URL"] = str(switch.make_url("/ping/5ecret"))
        await cloud.start()

        async def heard() -> list[str]:
            return list(pings)

        await eventually(heard, bool, "a ping at the outside switch")
        assert set(pings) == {"/ping/5ecret"}
        async with aiohttp.ClientSession() as session, session.get(f"{cloud.origin}/metrics") as answer:
            figures = await answer.text()
        assert 'isocket_audit_findings{kind="steps_late"} 0.0' in figures
        assert 'isocket_outage{kind="fleet"} 0.0' in figures
        await cloud.stop()
    assert not any("5ecret" in line for line in cloud.log_lines())
