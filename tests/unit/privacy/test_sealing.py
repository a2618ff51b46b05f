"""The archive opens with the keys of any two of its three managers, with nothing else, and not when it was altered."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from privacy.manager_keys import (
    ManagerKeyError,
    PrivateKey,
    make_key,
    read_private,
    read_public,
    write_private,
)
from privacy.openings import LEDGER, Openings, OpeningsBrokenError
from privacy.sealing import ArchiveError, Manifest, manifest_of, open_archive, seal
from tests.fakes.clock import NOON

CONTENT = [b"Maija Meikalainen, maija@example.org ", b"x" * 200_000, b" the end"]
KEYS = [make_key(name) for name in ("manager-1", "manager-2", "manager-3")]
STRANGER = make_key("stranger")


def manifest() -> Manifest:
    return Manifest(
        id="arc_1",
        sealed_at=NOON,
        destroy_at=NOON.replace(year=NOON.year + 10),
        managers={each.public.fingerprint: each.name for each in KEYS},
        counts={"accounts": 1},
    )


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "arc_1.archive"
    seal(manifest(), CONTENT, [each.public for each in KEYS], path)
    return path


def opened(path: Path, *keys: PrivateKey) -> bytes:
    into = path.with_name("opened.json")
    open_archive(path, keys, into)
    return into.read_bytes()


@pytest.mark.clause("C6-16")
@pytest.mark.parametrize("pair", list(combinations(range(3), 2)))
@pytest.mark.parametrize("turned", [False, True])
def test_any_two_of_three_managers_open_it(sealed: Path, pair: tuple[int, int], *, turned: bool) -> None:
    keys = [KEYS[each] for each in (reversed(pair) if turned else pair)]
    assert opened(sealed, *keys) == b"".join(CONTENT)
    assert manifest_of(sealed) == manifest()


@pytest.mark.clause("C6-16")
@pytest.mark.parametrize("keys", [[], [KEYS[0]], [KEYS[0], KEYS[0]], [KEYS[0], STRANGER], [*KEYS]])
def test_nothing_else_opens_it_and_nothing_is_written(sealed: Path, keys: list[PrivateKey]) -> None:
    with pytest.raises(ArchiveError, match="key"):
        opened(sealed, *keys)
    assert [each.name for each in sealed.parent.iterdir()] == [sealed.name]


@pytest.mark.clause("C6-16")
def test_no_byte_of_the_content_is_in_the_file(sealed: Path) -> None:
    content = sealed.read_bytes()
    assert b"maija" not in content.lower()
    assert b"xxxx" not in content


def places(content: bytes) -> dict[str, int]:
    """Return where something that matters to the first two managers lies."""
    first, second = sorted(each.public.fingerprint for each in KEYS[:2])
    return {
        "the kind": content.index(b"isocket-archive"),
        "what is in it": content.index(b"counts"),
        "a share of theirs": content.index(f"{first}+{second}/{first}".encode()) + 80,
        "the content": len(content) - 120_000,
        "the end": len(content) - 1,
    }


@pytest.mark.clause("C5-04")
@pytest.mark.parametrize("place", ["the kind", "what is in it", "a share of theirs", "the content", "the end"])
def test_a_byte_that_was_altered_keeps_it_shut(sealed: Path, place: str) -> None:
    content = bytearray(sealed.read_bytes())
    content[places(bytes(content))[place]] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(ArchiveError):
        opened(sealed, *KEYS[:2])
    assert [each.name for each in sealed.parent.iterdir()] == [sealed.name]


@pytest.mark.parametrize("left", [0, 20, 3_000, -1, -16_500])
def test_what_was_cut_off_is_not_opened_in_part(sealed: Path, left: int) -> None:
    sealed.write_bytes(sealed.read_bytes()[:left])
    with pytest.raises(ArchiveError):
        opened(sealed, *KEYS[:2])
    assert [each.name for each in sealed.parent.iterdir()] == [sealed.name]


def test_its_time_cannot_be_made_longer(sealed: Path) -> None:
    head, _, rest = sealed.read_bytes().partition(b"\n")
    said = json.loads(head)
    assert "2036" in said["manifest"]
    said["manifest"] = said["manifest"].replace("2036", "2099")
    sealed.write_bytes(json.dumps(said).encode() + b"\n" + rest)
    with pytest.raises(ArchiveError, match="altered"):
        opened(sealed, *KEYS[:2])


def test_what_lies_there_already_is_not_written_over(sealed: Path) -> None:
    into = sealed.with_name("opened.json")
    into.write_text("mine")
    with pytest.raises(ArchiveError, match="already"):
        open_archive(sealed, KEYS[:2], into)
    assert into.read_text() == "mine"


@pytest.mark.parametrize("keys", [KEYS[:2], [KEYS[0], KEYS[0], KEYS[1]], [*KEYS, STRANGER]])
def test_it_is_sealed_to_three_different_managers_only(tmp_path: Path, keys: list[PrivateKey]) -> None:
    with pytest.raises(ArchiveError, match="3 managers"):
        seal(manifest(), CONTENT, [each.public for each in keys], tmp_path / "arc_1.archive")
    assert not list(tmp_path.iterdir())


def test_sealing_again_leaves_one_whole_file(sealed: Path) -> None:
    before = sealed.read_bytes()
    seal(manifest(), CONTENT, [each.public for each in KEYS], sealed)
    assert sealed.read_bytes() != before
    assert opened(sealed, *KEYS[:2]) == b"".join(CONTENT)


class TestKeyFiles:
    """What a manager's two files hold."""

    def test_they_are_read_as_they_were_written(self, tmp_path: Path) -> None:
        private, public = tmp_path / "m.key", tmp_path / "m.pub"
        private.write_bytes(write_private(KEYS[0], ""))
        public.write_text(KEYS[0].public.text())
        assert read_private(private, lambda _: "") == KEYS[0]
        assert read_public(public) == KEYS[0].public

    def test_a_passphrase_is_needed_where_there_is_one(self, tmp_path: Path) -> None:
        private = tmp_path / "m.key"
        private.write_bytes(write_private(KEYS[0], "four words in a row"))
        assert KEYS[0].seed not in private.read_bytes()
        assert read_private(private, lambda _: "four words in a row") == KEYS[0]
        with pytest.raises(ManagerKeyError, match="passphrase"):
            read_private(private, lambda _: "four words in a now")

    @pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[1]", b'{"kind": "isocket-archive-private-1"}'])
    def test_what_is_no_key_is_said_to_be_none(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "m.key"
        path.write_bytes(content)
        with pytest.raises(ManagerKeyError, match="no private key"):
            read_private(path, lambda _: "")
        with pytest.raises(ManagerKeyError, match="no public key"):
            read_public(path)

    def test_a_key_of_another_name_is_found_out(self, tmp_path: Path) -> None:
        said = json.loads(write_private(KEYS[0], ""))
        path = tmp_path / "m.key"
        path.write_text(json.dumps({**said, "fingerprint": KEYS[1].public.fingerprint}))
        with pytest.raises(ManagerKeyError, match="altered"):
            read_private(path, lambda _: "")


class TestOpenings:
    """The ledger beside the archives."""

    def note(self, folder: Path, reason: str) -> None:
        Openings(folder).note("arc_1", ("manager-1", "manager-2"), NOON, reason)

    @pytest.mark.clause("C6-16")
    def test_each_opening_stands_in_it_with_its_reason(self, tmp_path: Path) -> None:
        self.note(tmp_path, "a tax audit")
        self.note(tmp_path, "they came back")
        assert [each.reason for each in Openings(tmp_path).lines()] == ["a tax audit", "they came back"]

    @pytest.mark.clause("C5-04")
    @pytest.mark.parametrize("spoil", ["taken out", "changed"])
    def test_a_line_that_was_taken_out_or_changed_is_seen(self, tmp_path: Path, spoil: str) -> None:
        for reason in ("one", "two", "three"):
            self.note(tmp_path, reason)
        lines = (tmp_path / LEDGER).read_text().splitlines(keepends=True)
        changed = [lines[0], lines[2]] if spoil == "taken out" else [lines[0], lines[1].replace("two", "2"), lines[2]]
        (tmp_path / LEDGER).write_text("".join(changed))
        with pytest.raises(OpeningsBrokenError):
            Openings(tmp_path).lines()
        with pytest.raises(OpeningsBrokenError):
            self.note(tmp_path, "four")

    def test_half_a_line_that_a_crash_left_is_cut_off(self, tmp_path: Path) -> None:
        self.note(tmp_path, "one")
        with (tmp_path / LEDGER).open("a") as file:
            file.write('{"archive_id": "arc')
        self.note(tmp_path, "two")
        assert [each.reason for each in Openings(tmp_path).lines()] == ["one", "two"]
