"""The key that browsers subscribe to: made once, kept to ourselves, and never replaced behind their backs."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from isocket.app.data_folder import DataFolder, DataFolderError
from isocket.app.push_key import load_or_create_push_key, open_push_key, public_text
from isocket.domain.contacts import ChannelKind
from isocket.domain.endpoints import Endpoint
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from tests.fakes.clock import NOON


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "push.key"
    first, second = load_or_create_push_key(path), load_or_create_push_key(path)
    assert public_text(first) == public_text(second)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["push.key"]


def test_a_browser_gets_the_public_half_as_it_takes_it(tmp_path: Path) -> None:
    text = public_text(load_or_create_push_key(tmp_path / "push.key"))
    assert len(text) == 87  # 65 bytes, base64url without padding
    assert text[0] == "B"  # an uncompressed point


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "push.key"
    load_or_create_push_key(path)
    path.chmod(0o640)
    with pytest.raises(DataFolderError, match="chmod 600"):
        load_or_create_push_key(path)


def _pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "text",
    [b"", b"nonsense", _pem(ed25519.Ed25519PrivateKey.generate()), _pem(ec.generate_private_key(ec.SECP384R1()))],
    ids=["empty", "nonsense", "another kind", "another curve"],
)
def test_a_file_that_holds_something_else_is_not_replaced(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "push.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(DataFolderError, match="backup"):
        load_or_create_push_key(path)
    assert path.read_bytes() == text


async def test_no_new_key_is_made_where_browsers_have_subscribed_to_a_lost_one(tmp_path: Path) -> None:
    folder, records = DataFolder(tmp_path), StoredRecords(MemoryDocuments())
    await open_push_key(folder, records)
    folder.push_key.unlink()
    await records.add(
        Endpoint(
            id="end_1", account_id="acc_1", contact_id="con_1", kind=ChannelKind.PUSH, address="{}", created_at=NOON
        )
    )
    with pytest.raises(DataFolderError, match="Restore it"):
        await open_push_key(folder, records)
    assert not folder.push_key.exists()
