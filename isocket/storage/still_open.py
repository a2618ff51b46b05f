"""How to ask for incidents that are not over: by the key that only these hold, of which indexes lead to no others.

What is over stays for years, and each alarm asks what is open at its socket and by its code.
"""

from isocket.storage.port import above

HOLDS_ITS_KEY = above("open_key", "")
