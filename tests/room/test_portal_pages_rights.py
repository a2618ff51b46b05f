"""The pages by which anybody asks for what is theirs by right, and alarm recipients decide, in five languages."""

import re
from collections.abc import AsyncIterator
from html import escape

import pytest
import pytest_asyncio

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import DeliveryState
from isocket.domain.inventory import Subject
from isocket.domain.letters import LANGUAGES
from isocket.domain.negotiation import best_language
from isocket.domain.processing import activities
from isocket.domain.requests import RequestState, RightsRequest
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api.code_words import codes_in
from portal_api.pages_routes import page_routes
from portal_api.processing_words import processing_in
from portal_api.recipient_words import KEYS, words_in
from tests.fakes.portal_devices import ALL_ROUTES, PHONE, codes, enter, owned, verified
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house

NIINA = "niina@example.org"
_TOKEN = re.compile(r'name="token" value="([\w\-]+)"')
_SIX_DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    async with portal_house(records=records, routes=(*ALL_ROUTES, *page_routes(desk=False)), keyring=keyring) as made:
        yield made


async def get(house: PortalHouse, path: str, language: str = "en") -> str:
    answer = await house.client.get(path, headers={"Accept-Language": language})
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    return await answer.text()


async def post(house: PortalHouse, path: str, expect: int = 200, **form: str) -> str:
    answer = await house.client.post(path, data=form, headers={"Origin": PUBLIC_URL})
    text = await answer.text()
    assert answer.status == expect, text
    assert "Set-Cookie" not in answer.headers
    return text


async def opened(house: PortalHouse) -> str:
    """Return the page of Niina, who came by the link in her mail."""
    await post(house, "/people", 202, address=NIINA)
    (token,) = _TOKEN.findall(await get(house, f"/people/open?token={await house.link_token(NIINA)}"))
    return await post(house, "/people/open", token=token)


@pytest.mark.clause("C7-01")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_recipient_reads_their_page_in_their_language_and_is_erased_by_a_button(
    house: PortalHouse, language: str
) -> None:
    entered = await enter(house, await owned(house), name="<b>Niina</b>", email=NIINA, language=language)
    words = words_in(language)
    page = await opened(house)
    assert f'<html lang="{language}">' in page
    assert words["lead"] in page
    assert "&lt;b&gt;Niina&lt;/b&gt;" in page
    way, state = codes_in(language)[ChannelKind.EMAIL], codes_in(language)[DeliveryState.DUE]
    assert f"UTC, {way}, {state}" in page
    token = _TOKEN.findall(page)[0]
    assert words["objected"] in await post(house, "/people/act", token=token, act="object")
    assert words["returned"] in await post(house, "/people/act", token=token, act="return")
    assert words["saved"] in await post(house, "/people/act", token=token, act="name", name="Niina N")
    asked = await post(house, "/people/act", token=token, act="erase")
    assert (words["sure"] in asked, f"<button>{words['erase']}</button>" in asked) == (True, True)
    assert await house.records.get(Contact, entered["id"]) is not None, "one press is not enough"
    assert words["lead"] in await post(house, "/people/act", token=token, act="")
    assert words["erased"] in await post(house, "/people/act", token=token, act="sure")
    assert await house.records.get(Contact, entered["id"]) is None
    await post(house, "/people/act", 400, token=token, act="return")


@pytest.mark.clause("C7-02")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_everything_that_is_held_about_a_recipient_tells_of_the_newsletter_too(
    house: PortalHouse, language: str
) -> None:
    await enter(house, await owned(house), email=NIINA, language=language)
    words = words_in(language)
    page = await opened(house)
    assert words["newsletter"] not in page
    assert (await house.ask("POST", "/newsletter", {"email": NIINA})).status == 202
    assert words["newsletter"] in await post(house, "/people/act", token=_TOKEN.findall(page)[0], act="")


@pytest.mark.clause("C7-01")
async def test_the_first_mail_to_a_recipient_says_who_gave_us_the_address_and_where_they_decide(
    house: PortalHouse,
) -> None:
    await enter(house, await owned(house), email=NIINA)
    (mail,) = await house.mails(NIINA)
    assert "A customer of ours entered" in mail.text
    assert f"{PUBLIC_URL}/people" in mail.text
    assert _SIX_DIGITS.findall(mail.text) == await codes(house, NIINA)


async def test_a_link_that_a_mail_program_opens_is_not_used_up_by_that(house: PortalHouse) -> None:
    await enter(house, await owned(house), email=NIINA)
    await post(house, "/people", 202, address=NIINA)
    link = f"/people/open?token={await house.link_token(NIINA)}"
    pages = [await get(house, link) for _ in range(3)]
    assert "A customer" not in pages[-1]
    assert "This is everything" in await post(house, "/people/open", token=_TOKEN.findall(pages[-1])[0])


async def test_names_in_another_direction_do_not_turn_what_stands_beside_them(house: PortalHouse) -> None:
    owner = await owned(house)
    assert (await house.ask("PATCH", "/me", {"name": "שלום עולם"}, token=owner)).status == 200
    await enter(house, owner, name="مرحبا (1)", email=NIINA)
    page = await opened(house)
    assert ("<bdi>שלום עולם</bdi>, 20" in page, "<bdi>مرحبا (1)</bdi>" in page) == (True, True)


async def test_a_code_from_a_text_opens_the_page_and_the_file_is_fetched_from_it(house: PortalHouse) -> None:
    await verified(house, await owned(house), PHONE)
    asked = await post(house, "/people", 202, address=PHONE)
    assert 'name="code"' in asked
    page = await post(house, "/people/open", address=PHONE, code=(await codes(house, PHONE))[-1])
    answer = await house.client.post(
        "/people/file", data={"token": _TOKEN.findall(page)[0]}, headers={"Origin": PUBLIC_URL}
    )
    assert (answer.status, (await answer.json())["entries"][0]["phone"]) == (200, PHONE)


async def test_what_is_no_address_is_said_on_the_page(house: PortalHouse) -> None:
    assert "Write an e-mail address" in await post(house, "/people", 422, address="nobody")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_was_mistyped_stays_and_is_said_in_the_language_of_whoever_typed_it(
    house: PortalHouse, language: str
) -> None:
    house.client.session.headers["Accept-Language"] = language
    page = await post(house, "/people", 422, address="nobody")
    assert words_in(language)["no_address"] in page
    assert 'value="nobody"' in page
    assert 'aria-describedby="address-fault"' in page


async def test_a_mistyped_code_is_asked_for_again_and_the_right_one_still_opens_the_page(house: PortalHouse) -> None:
    await verified(house, await owned(house), PHONE)
    await post(house, "/people", 202, address=PHONE)
    right = (await codes(house, PHONE))[-1]
    wrong = await post(house, "/people/open", 400, address=PHONE, code="000000" if right != "000000" else "111111")
    assert words_in("en")["wrong_code"] in wrong
    assert f'name="address" value="{PHONE}"' in wrong
    assert 'name="code"' in wrong
    assert words_in("en")["lead"] in await post(house, "/people/open", address=PHONE, code=right)


async def test_who_mistyped_their_mailbox_finds_the_way_back_to_type_it_again(house: PortalHouse) -> None:
    assert f'<a href="/people">{words_in("en")["again"]}</a>' in await post(house, "/people", 202, address=NIINA)


async def test_what_is_wrong_with_a_field_has_no_marks_of_programs_in_it_on_a_page(house: PortalHouse) -> None:
    wrong = await post(house, "/rights", 422, kind="access", email=NIINA, country="XX")
    assert "such as FI." in wrong
    assert "`" not in wrong


async def test_a_name_that_is_none_is_asked_for_again(house: PortalHouse) -> None:
    await enter(house, await owned(house), name="Niina", email=NIINA, language="fi")
    token = _TOKEN.findall(await opened(house))[0]
    assert words_in("fi")["no_name"] in await post(house, "/people/act", 422, token=token, act="name", name=" ")


@pytest.mark.clause("C7-01")
@pytest.mark.parametrize("language", LANGUAGES[1:])
async def test_what_values_are_used_for_and_how_long_they_are_kept_is_told_in_the_readers_language(
    house: PortalHouse, language: str
) -> None:
    await enter(house, await owned(house), email=NIINA, language=language)
    page = await opened(house)
    for activity in activities(house.portal.settings.controller, subject=Subject.RECIPIENT):
        told = [(each.who, each.country) for each in activity.recipients]
        for phrase in (activity.what_for, activity.basis, *activity.kept, *(each for pair in told for each in pair)):
            assert processing_in(phrase, language) != phrase
            assert escape(processing_in(phrase, language), quote=False) in page
            assert str(escape(phrase)) not in page


@pytest.mark.clause("C7-12")
async def test_somebody_without_account_asks_by_the_form_and_confirms_by_the_button_in_the_mail(
    house: PortalHouse,
) -> None:
    assert "What do you ask for?" in await get(house, "/rights", "sv")
    words = "What do you know of me? " * 200
    long = await post(house, "/rights", 422, kind="access", email="niina@example.org", words=words)
    assert (words in long, long.count('class="fault"')) == (True, 1)
    wrong = await post(house, "/rights", 422, kind="access", email="nobody")
    assert "This is not an e-mail address." in wrong
    form = {"kind": "rectification", "email": NIINA, "words": "My name.", "country": "SE", "language": "sv"}
    await post(house, "/rights", 202, **form)
    page = await get(house, f"/rights?token={await house.link_token(NIINA)}")
    (asked,) = await house.records.find(RightsRequest)
    assert asked.state is RequestState.IDENTITY_ASKED
    assert "We know that it was you" in await post(house, "/rights/confirm", token=_TOKEN.findall(page)[0])
    assert await house.records.count(RightsRequest, is_("state", RequestState.IDENTIFIED)) == 1
    await post(house, "/rights/confirm", 400, token=_TOKEN.findall(page)[0])


def test_every_language_has_every_word() -> None:
    for language in LANGUAGES:
        assert set(words_in(language)) == set(KEYS)
        assert all(words_in(language).values())


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fi-FI,fi;q=0.9,en;q=0.8", "fi"),
        ("fr, de;q=0.7", "de"),
        ("en-GB,sv;q=0.5", "en"),
        ("ja", "en"),
        ("sv;q=0.5, fi", "fi"),
        ("fi;q=0, sv;q=0.1", "sv"),
        ("fi;q=0", "en"),
        ("da, en;q=0.9", "nb"),
    ],
)
def test_the_door_speaks_the_language_that_the_browser_asks_for(accepted: str, language: str) -> None:
    assert best_language(accepted) == language
