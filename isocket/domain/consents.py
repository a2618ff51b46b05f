"""What somebody agreed to, in which words, and when they took it back; and who reads the newsletter.

Only what rests on consent is in this ledger: a box that says "I have read this" is none (Art. 4(11), 7).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from isocket.domain.handling import Basis, Category, Export, Handling, Keep, Plain, Purpose, Recipient
from isocket.domain.letters import spoken
from isocket.domain.record import Record, record

CONSENT_FACT = Handling(purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.ACCOUNT, archived=True)  # Art. 7(1)
READER_ADDRESS = Handling(
    category=Category.MAIL_ADDRESS,
    purpose=Purpose.PROMOTION,
    basis=Basis.CONSENT,
    keep=Keep.CONSENT,
    export=Export.PORTABLE,
    recipients=(Recipient.MAIL_PROVIDER,),
    sealed=True,
    lookup=True,
)
READER_CHOICE = Handling(
    category=Category.CHOICE,
    purpose=Purpose.PROMOTION,
    basis=Basis.CONSENT,
    keep=Keep.CONSENT,
    export=Export.PORTABLE,
)
READER_KEY = Handling(
    category=Category.CREDENTIAL,
    purpose=Purpose.SECURITY,
    basis=Basis.CONSENT,
    keep=Keep.UNTIL_USED,  # a wish that no mailbox answers goes by itself
    export=Export.WITHHELD,
)
READER_ANSWER = replace(READER_KEY, keep=Keep.CONSENT)  # whoever presses the link once more is answered as before
READER_WAY_OUT = Handling(
    category=Category.CREDENTIAL,
    purpose=Purpose.PROMOTION,
    basis=Basis.CONSENT,
    keep=Keep.CONSENT,
    export=Export.WITHHELD,
    sealed=True,
)


class ConsentKind(StrEnum):
    """What may be agreed to. Nothing else that we do rests on consent."""

    NEWSLETTER = "newsletter"


class ConsentStep(StrEnum):
    """What a line of the ledger says."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class ConsentBy(StrEnum):
    """By which act."""

    ACCOUNT = "in the account"  # signed in; the mailbox answered when the account was opened
    LINK = "by the link in a mail"
    ONE_CLICK = "by the mail program"  # RFC 8058
    OBJECTION = "by an objection"
    OPERATOR = "told to the operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words that somebody agreed to. A change of one letter is another version."""

    version: str
    language: str
    text: str

    @property
    def digest(self) -> str:
        """Return the hash by which the exact words can be shown later."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@record(collection="consents", subject="person_id", account="account_id", indexed=(("account_id", "at"),))
class Consent(Record):
    """One line of the ledger; never changed, only followed by others. The last one of a kind holds."""

    account_id: Annotated[str, CONSENT_FACT]  # who has no account has one id for both
    person_id: Annotated[str, CONSENT_FACT]
    kind: Annotated[ConsentKind, CONSENT_FACT]
    step: Annotated[ConsentStep, CONSENT_FACT]
    by: Annotated[ConsentBy, CONSENT_FACT]
    wording_version: Annotated[str, CONSENT_FACT]
    wording_hash: Annotated[str, CONSENT_FACT]
    language: Annotated[str, CONSENT_FACT]
    policy_version: Annotated[str, CONSENT_FACT]  # the privacy policy in force at that time
    at: Annotated[datetime, CONSENT_FACT]


class SubscriptionState(StrEnum):
    """Whether the mailbox has answered."""

    ASKED = "asked"
    CONFIRMED = "confirmed"


@record(
    collection="subscriptions",
    subject="reader_id",
    account="account_id",
    unique=(("email",),),
    indexed=(("confirm_hash",), ("leave_hash",), ("account_id",), ("state", "id")),
)
class Subscription(Record):
    """A mailbox that wants the newsletter, or from which somebody asked for it. It goes when it is wanted no more."""

    account_id: Annotated[str, READER_CHOICE]
    reader_id: Annotated[str, READER_CHOICE]  # the account; of who has none, an id that means nothing else
    email: Annotated[str, READER_ADDRESS]
    language: Annotated[str, READER_CHOICE]
    state: Annotated[SubscriptionState, READER_CHOICE] = SubscriptionState.ASKED
    confirm_hash: Annotated[str, READER_ANSWER] = ""
    leave_token: Annotated[str, READER_WAY_OUT] = ""  # stands in every mail; sealed here, found by its hash
    leave_hash: Annotated[str, READER_KEY] = ""
    created_at: Annotated[datetime, READER_CHOICE]
    expires_at: Plain[datetime | None] = None  # of a wish that is not confirmed


@record(collection="suppressions")
class Suppression(Record):
    """A mailbox that left the newsletter. Id = keyed hash of it: all that is kept, so that leaving lasts."""

    left_at: Plain[datetime]
    agreed_at: Plain[datetime | None] = None  # that there was a consent, and to which words, can be shown by it
    wording_hash: Plain[str] = ""


WORDING_VERSION = "1"
_WORDINGS: Mapping[str, str] = MappingProxyType(
    {
        "en": "Yes, send me the iSocket newsletter by e-mail: news of products and services, at most twice a "
        "month. I can stop it at any time by the link in every mail.",
        "fi": "Kyllä, lähettäkää minulle iSocket-uutiskirje sähköpostitse: uutisia tuotteista ja palveluista, "
        "enintään kahdesti kuussa. Voin lopettaa sen milloin tahansa jokaisessa viestissä olevalla linkillä.",
        "sv": "Ja, skicka iSockets nyhetsbrev till mig med e-post: nyheter om produkter och tjänster, högst "
        "två gånger i månaden. Jag kan sluta när som helst med länken i varje brev.",
        "de": "Ja, senden Sie mir den iSocket-Newsletter per E-Mail: Neues über Produkte und Dienste, "
        "höchstens zweimal im Monat. Ich kann ihn jederzeit über den Link in jeder Mail abbestellen.",
        "nb": "Ja, send meg iSocket-nyhetsbrevet på e-post: nytt om produkter og tjenester, høyst to ganger "
        "i måneden. Jeg kan stoppe det når som helst med lenken i hver e-post.",
    }
)


def wording_of(language: str) -> Wording:
    """Return the words by which the newsletter is agreed to now, in a language of ours."""
    said = spoken(language)
    return Wording(version=WORDING_VERSION, language=said, text=_WORDINGS[said])
