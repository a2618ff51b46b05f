"""For what reason a contact gets no messages: who said so and by which way, which decides by what it is undone.

Somebody who objects is paused for `isocket.domain.restrictions.OBJECTED`.
"""

OPTED_OUT = "opted_out"  # the provider refuses, because the recipient told it to
STOP_REPLY = "stop_reply"  # the recipient told us by a text message
STOP_KEY = "stop_key"  # the recipient told us by a key in a call
UNSUBSCRIBED = "unsubscribed"  # the recipient told us by a button in an e-mail
STOP_PAGE = "stop_page"  # the recipient told us on their own page
STOPPED_BY_PHONE = frozenset({OPTED_OUT, STOP_REPLY, STOP_KEY})
"""Where the telephone itself said stop: what a mailbox says never undoes it."""
