"""The broker knows the logins of homes that count, and no others, within a look."""

from typing import Any, cast

import pytest

from broker_bridge.home_accounts import LOOK_EVERY_S, HomeAccounts
from isocket.domain.accounts import Account
from isocket.domain.homes import Home
from isocket.storage.port import Changes, StoreUnavailableError, is_
from isocket.storage.records import StoredRecords
from tests.fakes.broker_files import BrokerFiles


class Failing:
    """Records of which one verb, the `at`-th, does not get through to the store."""

    def __init__(self, inner: StoredRecords, at: int) -> None:
        self._inner = inner
        self._at = at
        self.verbs = 0

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._inner, name)

        async def asked(*args: Any, **more: Any) -> Any:
            self.verbs += 1
            if self.verbs == self._at:
                raise StoreUnavailableError("not now")
            return await verb(*args, **more)

        return asked


class Floor(BrokerFiles):
    """Two customers, one with a home, and a broker that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = HomeAccounts(records=self.records, clock=self.clock, set_homes=self.set)

    async def move_in(self, *names: str) -> None:
        now = self.clock.now()
        for name in names:
            await self.records.add_all(
                [
                    Account(id=f"acc_{name}", email=f"{name}@example.org", created_at=now),
                    Home(
                        id=f"home_{name}", account_id=f"acc_{name}", name="House", secret_hash="s",
                        credential_epoch=1, created_at=now,
                    ),
                ]
            )  # fmt: skip

    async def look(self) -> None:
        await self.look_once(self.accounts.run, LOOK_EVERY_S)


@pytest.fixture
def floor() -> Floor:
    return Floor()


async def test_all_that_count_are_given_at_the_start(floor: Floor) -> None:
    await floor.move_in("a", "b")
    await floor.records.change_one(Account, is_("id", "acc_b"), credential_epoch=2)
    await floor.accounts.load()
    assert floor.given == [{"home_a"}]
    assert [each.id for each in await floor.records.find(Home)] == ["home_a"]


async def test_one_that_comes_and_one_that_is_revoked_are_noticed(floor: Floor) -> None:
    await floor.move_in("a")
    await floor.accounts.load()
    await floor.move_in("b")
    await floor.look()
    await floor.records.remove_all(Home, is_("id", "home_a"))
    await floor.look()
    await floor.look()
    assert floor.given == [{"home_a"}, {"home_a", "home_b"}, {"home_b"}]


@pytest.mark.parametrize("how", ["another password", "erased"])
async def test_one_ends_with_its_account_or_that_accounts_credentials(floor: Floor, how: str) -> None:
    await floor.move_in("a", "b")
    await floor.accounts.load()
    if how == "erased":
        await floor.records.remove_all(Account, is_("id", "acc_a"))
    else:
        await floor.records.change_one(Account, is_("id", "acc_a"), credential_epoch=2)
    await floor.look()
    assert floor.given[-1] == {"home_b"}
    await floor.look()
    assert [each.id for each in await floor.records.find(Home)] == ["home_b"]


async def test_a_login_that_was_revoked_is_noticed_though_more_was_changed_since_than_anybody_remembers(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.move_in("a", "b")
    await floor.accounts.load()
    await floor.records.remove_all(Home, is_("id", "home_a"))
    newest = (await floor.records.changes(0, limit=0)).newest

    async def forgotten(after: int, *, limit: int) -> Changes:
        return Changes(found=(), kept_after=newest, newest=newest)

    monkeypatch.setattr(floor.records, "changes", forgotten)
    await floor.look()
    assert floor.given == [{"home_a", "home_b"}, {"home_b"}]


async def test_a_login_that_was_revoked_among_many_changes_is_noticed_in_one_look(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker_bridge.home_accounts.PAGE", 2)
    await floor.move_in("a", "b")
    await floor.accounts.load()
    await floor.move_in("c", "d", "e")
    await floor.records.remove_all(Home, is_("id", "home_a"))
    await floor.look()
    assert floor.given[-1] == {"home_b", "home_c", "home_d", "home_e"}


async def test_what_does_not_concern_homes_leaves_the_broker_alone(floor: Floor) -> None:
    await floor.move_in("a")
    await floor.accounts.load()
    await floor.records.add(Account(id="acc_z", email="z@example.org", created_at=floor.clock.now()))
    await floor.look()
    assert len(floor.given) == 1


async def test_what_the_broker_could_not_be_told_it_is_told_at_the_next_look(floor: Floor) -> None:
    await floor.move_in("a", "b")
    await floor.accounts.load()
    floor.deaf = True
    await floor.records.remove_all(Home, is_("id", "home_a"))
    await floor.look()
    floor.deaf = False
    await floor.look()
    assert floor.given == [{"home_a", "home_b"}, {"home_b"}]


async def test_a_store_that_fails_in_the_middle_of_a_look_leaves_no_revoked_login_behind(floor: Floor) -> None:
    await floor.move_in("a", "b")
    await floor.accounts.load()
    for at in range(1, 10):
        failing = Failing(floor.records, at)
        floor.accounts._records = cast(Any, failing)
        await floor.records.change_one(Account, is_("id", "acc_a"), credential_epoch=2)
        await floor.look()
        floor.accounts._records = floor.records
        await floor.look()
        assert floor.given[-1] == {"home_b"}
        if failing.verbs < at:
            return
        await floor.records.change_one(Account, is_("id", "acc_a"), credential_epoch=1)
        await floor.move_in("a")
        await floor.look()
        assert floor.given[-1] == {"home_a", "home_b"}
    pytest.fail("a look never came to its end")
