"""The key by which push services know this installation (RFC 8292). Browsers subscribe to its public half.

Another key would end every subscription, so that none is made in the place of a lost one.
"""

import asyncio
from base64 import urlsafe_b64encode
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from isocket.app.data_folder import DataFolder, DataFolderError
from isocket.domain.contacts import ChannelKind
from isocket.domain.endpoints import Endpoint
from isocket.kit.secret_file import create_secret_file
from isocket.storage.port import Records, is_


async def open_push_key(folder: DataFolder, records: Records) -> EllipticCurvePrivateKey:
    """Return the installation's key, made the first time.

    Raises:
        DataFolderError: it is missing although browsers have subscribed to it, or others may read it, or it is none.
    """
    path = folder.push_key
    missing = not await asyncio.to_thread(path.exists)
    if missing and await records.count(Endpoint, is_("kind", ChannelKind.PUSH)):
        raise DataFolderError(
            f"{path} is missing, and no browser that has subscribed can be told of alarms without it. "
            "Restore it from its backup."
        )
    return await asyncio.to_thread(load_or_create_push_key, path)


def load_or_create_push_key(path: Path) -> EllipticCurvePrivateKey:
    """Return the key in the file, made if there is none, readable by its owner only. Blocking; call it at start.

    Raises:
        DataFolderError: others may read the file, or it holds something else.
    """
    if not path.exists():
        made = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        create_secret_file(path, made)
    if path.stat().st_mode & 0o077:
        raise DataFolderError(f"others may read {path}: say chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise DataFolderError(f"{path} does not hold a key for push messages: restore it from its backup")
    return key


def public_text(key: EllipticCurvePrivateKey) -> str:
    """Return the public half as a browser takes it (`applicationServerKey`)."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode()
