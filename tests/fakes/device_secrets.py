"""What Mosquitto does with a line of its password file: tells whether it was made from a secret."""

import base64
import hashlib

from isocket.domain.secrets import is_secret_hash


def verify_secret(secret: str, hashed: str) -> bool:
    """Return whether `hashed` was made from `secret`; False for any other text."""
    if not is_secret_hash(hashed):
        return False
    _, _, salt, digest = hashed.split("$")
    return hashlib.sha512(secret.encode() + base64.b64decode(salt)).digest() == base64.b64decode(digest)
