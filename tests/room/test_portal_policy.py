"""The privacy policy's versions: all readable, with what is different, and told of until somebody says they saw it."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account
from isocket.domain.consents import Consent
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.policies import (
    Acknowledgement,
    Policy,
    PolicyBrokenError,
    PolicyVersion,
    Severity,
    policies,
    read,
)
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from privacy.policy_notices import PolicyNotices
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

MAIJA = "maija@example.org"


def version(number: str, severity: Severity, days: int, words: str) -> Policy:
    head = f"notice: 2026-11-{days}\neffective: 2026-12-{days - 15}\nseverity: {severity}\nrights: keeps\n"
    text = f"{head}summary: {words}\n\n{words}"
    return read(text, number, hashlib.sha256(text.encode()).hexdigest())


FIRST = policies()[0]
MINOR = version("2", Severity.MINOR, 25, "Clearer words about keys.")
MAJOR = replace(version("3", Severity.MAJOR, 27, "A new provider of texts."), paragraphs=FIRST.paragraphs[:-1])


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    routes = (*ROUTES, *page_routes(desk=False))
    async with portal_house(routes=routes, policies=(FIRST, MINOR, MAJOR)) as running:
        yield running


def notices(house: PortalHouse, *versions: Policy) -> PolicyNotices:
    return PolicyNotices(
        records=house.records, clock=house.clock, public_url=PUBLIC_URL, versions=versions or (FIRST, MINOR, MAJOR)
    )


async def go_to(house: PortalHouse, policy: Policy) -> None:
    await house.clock.advance((policy.noticed_at - house.clock.now()).total_seconds() + 1)


@pytest.mark.clause("C9-02")
async def test_the_newest_and_every_older_version_can_be_read_by_anybody(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    assert "Version 1" in (await visitor.open("/policy")).words
    assert (await visitor.open("/policy/2")).status == 404, "it is not told yet"
    await go_to(house, MAJOR)
    page = await visitor.open("/policy/2")
    assert (page.status, "Clearer words about keys." in page.words) == (200, True)
    assert "Version 1, in force" in (await visitor.open("/policy")).words, "it holds from its own day on"
    await house.clock.advance(30 * 86_400)
    newest = await visitor.open("/policy")
    assert FIRST.digest not in newest.html
    assert {"/policy/1", "/policy/2", "/policy/3", "/policy/2/changes/3"} <= set(newest.links)
    assert FIRST.digest in (await visitor.open("/policy/1")).html


async def test_what_is_different_is_shown_paragraph_by_paragraph(house: PortalHouse) -> None:
    await go_to(house, MAJOR)
    page = await Visitor(house.client).open("/policy/1/changes/3")
    assert f"<del>{FIRST.paragraphs[-1]}</del>" in page.html
    assert "<ins>" not in page.html
    assert (await Visitor(house.client).open("/policy/1/changes/4")).status == 404


@pytest.mark.clause("C9-05")
async def test_a_version_is_told_on_every_page_until_the_reader_says_that_they_have_seen_it(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    assert "has changed" not in (await visitor.open("/profile")).words
    await go_to(house, MINOR)
    visitor = await signed_in_again(house)
    for path in ("/", "/profile", "/contacts"):
        page = await visitor.open(path)
        assert "Clearer words about keys." in page.words
    after = await visitor.send(page, "/policy-seen")
    assert "has changed" not in after.words
    account = await house.account(MAIJA)
    (seen,) = await house.records.find(Acknowledgement)
    assert (seen.account_id, seen.policy_version, seen.policy_hash) == (account.id, "2", MINOR.digest)
    assert await house.records.count(Consent) == 0
    await visitor.open("/policy/2")
    await go_to(house, MAJOR)
    assert "A new provider of texts." in (await (await signed_in_again(house)).open("/profile")).words


async def signed_in_again(house: PortalHouse) -> Visitor:
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    return visitor


async def test_whoever_comes_later_and_who_is_nobody_are_told_nothing(house: PortalHouse) -> None:
    await go_to(house, MAJOR)
    assert "has changed" not in (await Visitor(house.client).open("/login")).words
    visitor = await signed_in(house, MAIJA)
    assert "has changed" not in (await visitor.open("/profile")).words


@pytest.mark.clause("C2-15")
async def test_of_a_large_change_everybody_who_was_there_has_one_mail_and_of_a_small_one_none(
    house: PortalHouse,
) -> None:
    await house.register(MAIJA, language="sv")
    await go_to(house, MINOR)
    assert await notices(house).round() == 0
    await house.register("late@example.org")
    await go_to(house, MAJOR)
    await house.register("later@example.org")
    assert await notices(house).round() == 2
    assert await notices(house).round() == 0
    (letter,) = [
        each for each in await house.records.find(Delivery, is_("kind", DeliveryKind.NOTICE)) if each.address == MAIJA
    ]
    assert letter.subject_line == "iSockets integritetspolicy ändras"
    assert f"{PUBLIC_URL}/policy/2/changes/3" in letter.text
    assert letter.unsubscribe_url is None, "it is no advertising"


@pytest.mark.clause("C9-02")
async def test_a_version_that_says_something_else_than_before_is_refused(house: PortalHouse) -> None:
    await notices(house, FIRST).round()
    (noted,) = await house.records.find(PolicyVersion)
    assert noted.digest == FIRST.digest
    with pytest.raises(PolicyBrokenError, match="not what was published"):
        await notices(house, replace(FIRST, digest="0" * 64)).round()


async def test_whoever_dies_while_telling_another_goes_on_and_nobody_is_told_twice() -> None:
    clock = ManualClock(MAJOR.noticed_at)

    def telling(records: Records) -> PolicyNotices:
        return PolicyNotices(records=records, clock=clock, public_url=PUBLIC_URL, versions=(FIRST, MINOR, MAJOR))

    async def build() -> DyingRecords:
        records = StoredRecords(MemoryDocuments())
        for number in range(3):
            await records.add(Account(id=f"acc_{number}", email=f"reader{number}@example.org", created_at=NOON))
        return DyingRecords(records, Fuse())

    async def run(ground: DyingRecords, fuse: Fuse) -> None:
        await telling(DyingRecords(ground, fuse)).round()

    async def check(ground: DyingRecords) -> None:
        await telling(ground).round()
        assert await ground.count(Delivery, is_("kind", DeliveryKind.NOTICE)) == 3

    assert await every_crash_point(build, run, check) > 5
