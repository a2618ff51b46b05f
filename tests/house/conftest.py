"""What tests of the whole house share: a provider of SMS, a mail server, the cloud between them, and a customer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.customer import Customer
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioDouble]:
    double = TwilioDouble()
    await double.start()
    yield double
    await double.stop()


@pytest.fixture
async def mail() -> AsyncIterator[SmtpSink]:
    sink = SmtpSink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def cloud(tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink) -> AsyncIterator[WholeCloud]:
    """A cloud that runs, and that has to end in order when the test is over."""
    async with WholeCloud(tmp_path, twilio=twilio, mail=mail) as running:
        await running.start()
        yield running
        await running.stop()


@pytest.fixture
async def owner(cloud: WholeCloud) -> AsyncIterator[Customer]:
    """Somebody with an account who is signed in."""
    async with Customer(cloud) as customer:
        await customer.register_and_sign_in()
        yield customer
