"""The words in which a stored field says how it may be used.

Inventory, record of processing, export, erasure, retention, sealing and log canaries are read off these;
nothing is listed by hand a second time. Article numbers are those of Regulation (EU) 2016/679 (GDPR).
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, TypeVar

T = TypeVar("T")


class Category(StrEnum):
    """What kind of thing a value tells about a person (Art. 30(1)(c))."""

    NAME = "name"
    MAIL_ADDRESS = "e-mail address"
    PHONE_NUMBER = "telephone number"
    MACHINE_ADDRESS = "address of a browser or program"
    CHOICE = "choices made in the service"
    CREDENTIAL = "proof of who somebody is, as a hash or sealed"
    WORDS = "words given to sockets"
    MESSAGE = "messages sent"
    ACTIVITY = "what happened, and who did what"


class Purpose(StrEnum):
    """What a value is used for."""

    SERVICE = "service"  # the account and the sockets the customer asked us to watch
    ALERTS = "alerts"  # telling people that something is wrong
    SECURITY = "security"  # keeping strangers out, finding abuse
    OPERATION = "operation"  # finding faults of ours
    PROMOTION = "promotion"  # news of products, to whoever asked for it
    CLAIMS = "claims"  # disputes, orders of courts, and what authorities may have
    RIGHTS = "rights"  # showing that what people chose and asked for was followed


class Basis(StrEnum):
    """The lawful basis, Art. 6(1)."""

    CONTRACT = "art6_1_b"
    LEGAL_DUTY = "art6_1_c"
    LEGITIMATE_INTEREST = "art6_1_f"
    CONSENT = "art6_1_a"


class Keep(StrEnum):
    """How long: the event from which the time counts, and the time."""

    ACCOUNT = "while the account lives"
    RELATION = "while the socket or contact is kept by its owner"
    REPORTS = (
        "while the socket is kept by its owner; after 400 days, or another time that the operator has set, not each "
        "report any more but what hours were like"
    )
    DAYS_30 = "30 days after it was made"
    YEAR_1 = "1 year after it was made"
    YEARS_3 = "3 years after it was made"
    ANSWERED = "1 year after it was made, but until 30 days after it was answered"
    TOLD = "3 years after it was made, or after the day from which it may be told"
    EPISODE = "while the incident lasts, and 3 years after its end"
    UNTIL_USED = "until used or expired"
    CONSENT = "until the consent is withdrawn"
    COMES_BACK = "until its reader wants messages again"
    ARCHIVE = "while the sealed archive is kept"
    REGISTER = "five years after the breach was closed"
    CASE = "while the case is open, and 3 years after it was closed"
    HOLD = "while a dispute or an order needs it; that it was so, 3 years more"


class Export(StrEnum):
    """Whether the person's copy holds it (Art. 15), also in portable form (Art. 20)."""

    PORTABLE = "portable"
    COPY = "copy"
    WITHHELD = "withheld"  # a secret, or another person's


class OnErasure(StrEnum):
    """What becomes of the field when its person is erased (Art. 17)."""

    DELETE = "delete"  # goes with its record
    BLANK = "blank"  # emptied; the record stays for the fleet
    KEEP = "keep"  # tells nothing without the rest


class Recipient(StrEnum):
    """To whom outside the house a value may go."""

    SMS_VOICE_PROVIDER = "SMS and voice provider"
    MAIL_PROVIDER = "mail server"
    PUSH_SERVICE = "push service of the browser's maker (ciphertext only)"
    WEBHOOK_RECEIVER = "the program that the customer named"
    OWNER = "the customer who entered it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How one stored field may be used."""

    purpose: Purpose
    basis: Basis
    keep: Keep
    export: Export = Export.COPY
    on_erasure: OnErasure = OnErasure.DELETE
    recipients: tuple[Recipient, ...] = ()
    sealed: bool = False  # stored only as ciphertext under the key of its person; text fields only
    lookup: bool = False  # sealed, and findable by equality through a keyed blind index
    category: Category = Category.ACTIVITY
    archived: bool = False  # what law needs after the relation: sealed to the managers when the rest goes


@dataclass(frozen=True, slots=True)
class NotPersonal:
    """The explicit statement that a field tells nothing about a person."""


Plain = Annotated[T, NotPersonal()]

# Named policies, so that a class reads as a table and a lawyer reads one place.
LOGIN_NAME = Handling(
    category=Category.MAIL_ADDRESS,
    purpose=Purpose.SERVICE,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    export=Export.PORTABLE,
    recipients=(Recipient.MAIL_PROVIDER,),
    sealed=True,
    lookup=True,
    archived=True,
)
PROFILE = Handling(
    category=Category.NAME,
    purpose=Purpose.SERVICE,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    export=Export.PORTABLE,
    sealed=True,
    archived=True,
)
PREFERENCE = Handling(
    category=Category.CHOICE, purpose=Purpose.SERVICE, basis=Basis.CONTRACT, keep=Keep.ACCOUNT, export=Export.PORTABLE
)
CREDENTIAL = Handling(
    category=Category.CREDENTIAL,
    purpose=Purpose.SECURITY,
    basis=Basis.CONTRACT,
    keep=Keep.UNTIL_USED,
    export=Export.WITHHELD,
)
LASTING_CREDENTIAL = replace(CREDENTIAL, keep=Keep.ACCOUNT)  # of a person or a home: used again and again
OWNERSHIP = Handling(purpose=Purpose.SERVICE, basis=Basis.CONTRACT, keep=Keep.RELATION, on_erasure=OnErasure.BLANK)
DEVICE_WORDS = Handling(
    category=Category.WORDS,
    purpose=Purpose.SERVICE,
    basis=Basis.CONTRACT,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    on_erasure=OnErasure.BLANK,
    recipients=(Recipient.SMS_VOICE_PROVIDER, Recipient.MAIL_PROVIDER, Recipient.WEBHOOK_RECEIVER),
    sealed=True,
)
# Which of its owner's it is: nobody chose it, and messages say it where there is no name.
DEVICE_NUMBER = replace(OWNERSHIP, export=Export.PORTABLE, recipients=DEVICE_WORDS.recipients)
DEVICE_CHOICE = Handling(
    category=Category.CHOICE,
    purpose=Purpose.SERVICE,
    basis=Basis.CONTRACT,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    on_erasure=OnErasure.BLANK,
)
CONTACT_NAME = Handling(
    category=Category.NAME,
    purpose=Purpose.ALERTS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    recipients=(Recipient.OWNER,),
    sealed=True,
)
CONTACT_PHONE = Handling(
    category=Category.PHONE_NUMBER,
    purpose=Purpose.ALERTS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    recipients=(Recipient.SMS_VOICE_PROVIDER, Recipient.OWNER),
    sealed=True,
    lookup=True,  # a STOP comes from a number and nothing else
)
CONTACT_EMAIL = Handling(
    category=Category.MAIL_ADDRESS,
    purpose=Purpose.ALERTS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    recipients=(Recipient.MAIL_PROVIDER, Recipient.OWNER),
    sealed=True,
    lookup=True,  # whoever reads the mailbox may ask what we hold of them
)
CONTACT_CHOICE = Handling(
    category=Category.CHOICE,
    purpose=Purpose.ALERTS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
)
SHARE_EMAIL = Handling(
    category=Category.MAIL_ADDRESS,
    purpose=Purpose.SERVICE,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    recipients=(Recipient.MAIL_PROVIDER, Recipient.OWNER),
    sealed=True,
    lookup=True,  # one invitation of an address to a socket
)
SHARE_FACT = replace(PREFERENCE, keep=Keep.RELATION)
# Art. 21: an objection that is forgotten when somebody enters the address anew is none.
STOPPED_FACT = Handling(
    purpose=Purpose.ALERTS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.COMES_BACK,
    export=Export.WITHHELD,
    on_erasure=OnErasure.KEEP,
)
# Whoever enters the address is asked about by nothing else.
STOPPED_ADDRESS = replace(STOPPED_FACT, category=Category.PHONE_NUMBER, sealed=True, lookup=True)
ENDPOINT_ADDRESS = Handling(
    category=Category.MACHINE_ADDRESS,
    purpose=Purpose.ALERTS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.RELATION,
    export=Export.PORTABLE,
    recipients=(Recipient.PUSH_SERVICE, Recipient.WEBHOOK_RECEIVER),
    sealed=True,
)
ENDPOINT_LABEL = CONTACT_NAME
ENDPOINT_SECRET = replace(CREDENTIAL, keep=Keep.RELATION, sealed=True)
INCIDENT_FACT = Handling(
    purpose=Purpose.ALERTS,
    basis=Basis.CONTRACT,
    keep=Keep.YEARS_3,
    recipients=(Recipient.WEBHOOK_RECEIVER,),
    archived=True,
)
EPISODE_FACT = replace(INCIDENT_FACT, keep=Keep.EPISODE)
MESSAGE_FACT = Handling(purpose=Purpose.ALERTS, basis=Basis.CONTRACT, keep=Keep.YEAR_1, archived=True)
MESSAGE_TEXT = Handling(
    category=Category.MESSAGE,
    purpose=Purpose.ALERTS,
    basis=Basis.CONTRACT,
    keep=Keep.DAYS_30,
    recipients=(
        Recipient.SMS_VOICE_PROVIDER,
        Recipient.MAIL_PROVIDER,
        Recipient.PUSH_SERVICE,
        Recipient.WEBHOOK_RECEIVER,
    ),
    sealed=True,
)
DESK_FACT = Handling(purpose=Purpose.ALERTS, basis=Basis.CONTRACT, keep=Keep.DAYS_30)
RULE_MEMORY = Handling(purpose=Purpose.ALERTS, basis=Basis.CONTRACT, keep=Keep.RELATION)
DIAGNOSIS = Handling(purpose=Purpose.OPERATION, basis=Basis.CONTRACT, keep=Keep.DAYS_30)
REHEARSAL = Handling(purpose=Purpose.SERVICE, basis=Basis.CONTRACT, keep=Keep.DAYS_30)
COMMAND_FACT = Handling(purpose=Purpose.SERVICE, basis=Basis.CONTRACT, keep=Keep.YEAR_1, archived=True)
# As long as the session or token that it is about: an app renews its session, and a token is good for up to two years.
SIGN_IN_FACT = Handling(purpose=Purpose.SECURITY, basis=Basis.LEGITIMATE_INTEREST, keep=Keep.UNTIL_USED)
FACTOR_SECRET = replace(LASTING_CREDENTIAL, sealed=True)
FACTOR_FACT = Handling(purpose=Purpose.SECURITY, basis=Basis.CONTRACT, keep=Keep.ACCOUNT)
FACTOR_NAME = Handling(
    category=Category.NAME,
    purpose=Purpose.SECURITY,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    export=Export.PORTABLE,
    sealed=True,
)
SIGN_IN_LABEL = FACTOR_NAME
