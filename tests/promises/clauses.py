"""The clauses of the privacy policy, each with what becomes of it; `docs/promises.md` is made of this table.

A clause is `built` (then a test carries its mark) or `outside` this software.
"""

from dataclasses import dataclass
from enum import StrEnum


class Stand(StrEnum):
    """What has become of a clause."""

    BUILT = "proved"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: what is promised there, in short, and what the software does, or why it does nothing."""

    id: str
    promise: str
    stand: Stand
    how: str


def built(name: str, promise: str, how: str) -> Clause:
    return Clause(name, promise, Stand.BUILT, how)


def outside(name: str, promise: str, why: str) -> Clause:
    return Clause(name, promise, Stand.OUTSIDE, why)


_SHOP = "orders are taken by the webshop, another system"
_PAYING = "nothing is sold or paid here; cards are the webshop's and its payment processors' business"

PARTS: dict[str, tuple[Clause, ...]] = {
    "Who and what": (
        built(
            "P-01", "One company answers for the data", "its name and contact are settings, shown in record and notice"
        ),
        built("P-02", "It holds for every kind of person", "the inventory says whose each class of values is"),
        built(
            "P-03", "Several sites, portal and apps", "links begin with one configured address, whatever a request says"
        ),
        built(
            "P-04",
            "The products are sockets and alarms",
            "what a socket reports belongs to its customer's portable copy",
        ),
        outside("P-05", "The webshop has terms of its own", _SHOP),
    ),
    "1. What is collected": (
        outside("C1-01", "Data come with an order", _SHOP),
        built("C1-02", "… with registering", "what the form asks for is stored; any other field is refused"),
        built(
            "C1-03",
            "… with a contact form",
            "the form for rights stores what was typed, and no more; other support is by mail",
        ),
        built("C1-04", "… with subscribing to the newsletter", "a mailbox and a consent, no account needed"),
        outside("C1-05", "… with a contest or promotion", "there are none here"),
        built("C1-06", "Name, mailbox, telephone, postal address", "each is a field of the public inventory"),
        built("C1-07", "The forms show all that is asked for", "a form's field that is not declared fails the tests"),
        built("C1-08", "A ticked box is mostly no lawful basis", '"I have seen it" never becomes a consent'),
        built(
            "C1-09",
            "More may be asked for by mail",
            "staff ask back; question and answer are noted, with the way it came",
        ),
        built("C1-10", "Data also come by telephone or letter", "staff type in way, day and reason"),
        outside("C1-11", "An order may open an account", _SHOP),
        outside("C1-12", "Ordering without registering", _SHOP),
        outside("C1-13", "Mistakes in an order make data double", _SHOP),
        built("C1-14", "Logs may hold the network address", "they hold its family alone; limits count a keyed hash"),
        built("C1-15", "… day and time", "in UTC on every line"),
        built("C1-16", "… the operating system", "not noted; of a program only its family, one of a closed list"),
        built("C1-17", "… the browser", "its family alone; the cookie is chance and ends with the session"),
        built("C1-18", "… what is looked at", "the template of the route, without ids and query"),
        built("C1-19", "… what is done in the service", "one's own sessions are shown to oneself"),
        built(
            "C1-20", "Cookies, beacons, pixels, identifiers", "mails load nothing from elsewhere and link to us alone"
        ),
        built("C1-21", "Nobody has to give data", "what may be left out is left out, and the account opens"),
        built(
            "C1-22",
            "A consent can be taken back at any time",
            "it stops even what is due already, and outlives a backup",
        ),
    ),
    "2. What it is used for": (
        built("C2-01", "Used for contracts and what leads to them", "each field has purpose and basis in the record"),
        outside("C2-02", "Checking data before an offer", "offers are made elsewhere"),
        outside("C2-03", "Sales records for taxes", "sales are booked elsewhere"),
        built("C2-04", "Mails that the service needs", "each kind of message has purpose and basis"),
        outside("C2-05", "Collecting debts", "nothing is owed here"),
        outside("C2-06", "Cards are handled by others", _PAYING),
        outside("C2-07", "Couriers get the address", "nothing is shipped from here"),
        built(
            "C2-08", "Newsletters rest on consent", "nothing comes before the mailbox said yes, and two a month at most"
        ),
        built("C2-09", "Each newsletter tells how to leave", "a visible link, and one click of the mail program"),
        built("C2-10", "Important notices are no promotion", "they go out although the newsletter was left"),
        outside("C2-11", "Help with an order that failed", _SHOP),
        built("C2-12", "Records for warranty", "the end of warranty is counted from the claiming, by the calendar"),
        built(
            "C2-13", "News of planned outages and versions", "mailed to all whom it concerns, by model if need be, once"
        ),
        outside("C2-14", "May ask for reviews and surveys", "none are asked for; an objection to them is kept"),
        built("C2-15", "Changes of the policy are told", "on every page until seen, a large one by mail"),
        built(
            "C2-16",
            "Use is counted together and shared",
            "weekly, blurred and rounded, never of fewer than ten; an objection holds",
        ),
        built("C2-17", "Providers get what a feature needs", "what is not declared is not handed over"),
        outside("C2-18", "Contracts bind the providers", "they are signed on paper; the record names who they are"),
        built("C2-19", "Staff may set things up for a customer", "they do not: what is a customer's answers no staff"),
        built("C2-20", "Providers of alarms get number or mailbox", "and no name; each message is in the ledger"),
        built("C2-21", "Testing, support, maintenance", "tests hold invented people only"),
        built("C2-22", "Fraud and attacks are fended off", "limits hold back for a while, nobody for ever"),
        built("C2-23", "Tools may enforce the terms", "limits let wait; no tool ends an account"),
        built("C2-24", "Courts are obeyed", "nothing is handed out without the digest of the decision"),
        outside("C2-25", "Lawyers and accountants are told", "they have no way in; who hands them papers is staff"),
        built("C2-26", "Proceedings in court", "a hold keeps a sealed copy until its end"),
        built("C2-27", "Authorities may forbid to tell", "such a line or hold is told when that is over"),
        built(
            "C2-28",
            "Used for its purpose only",
            "which part reads which class is held to it; another reader fails the tests",
        ),
        built("C2-29", "More than one lawful ground", "without a consent only what the contract needs goes on"),
        built("C2-30", "No program decides about people", "nobody is rated, and the notice says so"),
    ),
    "3. Who gets it": (
        built("C3-01", "Kinds of recipients", "the ledger names who got which fields, when and why"),
        outside("C3-02", "Payment processors get the order", _PAYING),
        built("C3-03", "Card numbers are never seen here", "no page asks for one; forms lead to us alone"),
        built("C3-04", "Service providers", "the record names each with its country"),
        outside("C3-05", "Links to the processor's papers", _PAYING),
        built("C3-06", "Subcontractors", "an account of staff that ends by itself; each look is in the ledger"),
        outside("C3-07", "Auditors, bankers, insurers", "they have no way in; who hands them papers is staff"),
        built("C3-08", "Others with consent", "a token for a program: its scopes, its end, revoked at once"),
        built("C3-09", "Nobody uses it for themselves", "a line says to whom, on which basis and why"),
        built(
            "C3-10",
            "Care where data leave the country",
            "the notice names country and safeguard; a missing one is noted",
        ),
        built("C3-11", "Authorities, as law requires", "what was approved, no field and no day more"),
        built("C3-12", "Rights holders with a court's decision", "without its digest their case is not taken"),
        built("C3-13", "Police only by a strict process", "called back, proposed, approved by another, on record"),
        outside(
            "C3-14",
            "A sale of the business",
            "nobody is handed over in bulk; customers hear of it (`isocket announce`), each takes their own data along",
        ),
        built("C3-15", "Advertising and analytics", "there are none: pages load nothing from elsewhere"),
        built(
            "C3-16",
            "Data without names may be shared",
            "only figures that hide each customer; attacks on all of them are tried",
        ),
    ),
    "4. Public places": (
        outside("C4-01", "The blog and its comments", "the blog is another site"),
        built("C4-02", "Social widgets", "there are none: pages load nothing from elsewhere"),
        built("C4-03", "Social networks", "nothing of them is kept or asked for"),
        built("C4-04", "Links to other sites", "they do not tell where one came from"),
    ),
    "5. How it is kept safe": (
        built("C5-01", "No loss", "a restored backup works, and brings nobody back who was erased"),
        built("C5-02", "No misuse", "each route says who may; another's things are not found; staff say why"),
        built(
            "C5-03", "No disclosure", "stored sealed; logs, files and copies are searched for what should not be there"
        ),
        built("C5-04", "No alteration", "an altered byte does not open; a change over another's is refused"),
        built("C5-05", "No destruction", "erasing takes the password, one's own address, and time to undo"),
        built("C5-06", "Measures follow the kind of data", "what names a person or was said to one is sealed"),
        built(
            "C5-07", "Encryption", "TLS for sockets, browsers are kept to HTTPS; no plain line to elsewhere by mistake"
        ),
        built("C5-08", "Care on the way", "certificates of others are always checked"),
        outside("C5-09", "Everybody keeps their own computer safe", "that is done on their side"),
        built("C5-10", "Name and password to get in", "no route without a proof but those on a list; second factors"),
        built(
            "C5-11", "Keep your password to yourself", "a sign-in from elsewhere is told, with one link that ends it"
        ),
        built("C5-12", "Nobody can see passwords", "only a hash is kept; the password is found nowhere"),
        built("C5-13", "A password is reset, never sent", "by a link; nobody chooses one for somebody else"),
        outside("C5-14", "Card processors protect cards", _PAYING),
        built(
            "C5-15",
            "A breach is told to whom it concerns",
            "found by what was open, told by what way there is, with proof; clocks warn of what is due",
        ),
        built("C5-16", "… and later what was done", "it cannot be closed before the same people have heard"),
        built("C5-17", "Questions of security", "`security.txt` says where, and is not too old"),
        built("C5-18", "Answers only to mailboxes we know", "asking tells nobody whether we do"),
    ),
    "6. How long": (
        built("C6-01", "No longer than needed", "each field has a rule that somebody carries out"),
        built("C6-02", "Records for warranty", "kept until its end and two years more"),
        built("C6-03", "Erasure may end the warranty", "the plan says so before"),
        built("C6-04", "While the account lives", "it is not swept, however long it is not used"),
        built("C6-05", "Come back at any time", "signing in opens a closed account with all that was in it"),
        built("C6-06", "Kept unless you delete it", "nothing goes before its time without being asked"),
        built("C6-07", "Longer where law needs it", "that part is sealed into the archive until its own end"),
        built("C6-08", "Data are kept right", "name and address are changed by their holder"),
        built("C6-09", "Asked whether we hold anything", "answered once the mailbox is proved, and alike before"),
        built("C6-10", "Law differs by country", "times and financial year are settings"),
        built("C6-11", "Ten years for the books", "counted from the end of the financial year"),
        built("C6-12", "Ten years after the relation", "only what is declared for it, destroyed then"),
        built("C6-13", "The times are examples", "they are settings, not code"),
        built("C6-14", "Nothing outdated is kept", "swept daily; what will go can be seen before"),
        built("C6-15", "Archived two years after the end", "of the account or the warranty, whichever is later"),
        built("C6-16", "Only management opens the archive", "two of three managers' keys, none of them here"),
        built("C6-17", "The archive is for legal duties", "it has an end, and that is on record"),
        built("C6-18", "Deleted on request", "all of it when the time to undo is over"),
        built(
            "C6-19",
            "May be kept for ever without names",
            "figures alone, without id or hash; no other set of data is made",
        ),
    ),
    "7. Rights": (
        built("C7-01", "To be informed", "notices are made from the inventory, for alarm recipients too"),
        built("C7-02", "Access, free", "a copy of every field that may be told"),
        built("C7-03", "The profile shows much already", "the same as the copy"),
        built("C7-04", "Others' privacy limits it", "a copy holds nobody else's data, and names what is withheld"),
        built("C7-05", "Rectification", "by its holder, or for them by letter; alarm recipients too"),
        built("C7-06", "Erasure", "a plan, a receipt, a search through every file; nobody comes back by an old copy"),
        built("C7-07", "Leaving the newsletter deletes", "only a keyed hash stays"),
        built("C7-08", "Restriction", "only kept; its holder chooses whether alarms go on"),
        built("C7-09", "Taking it along", "JSON with a schema, and tables, which another installation takes over"),
        built("C7-10", "Objection", "by purpose, by letter too; alarm recipients too"),
        built("C7-11", "No profiling", "the notice says that there is none"),
        built("C7-12", "By form or by letter", "a letter counts from the day on which it came"),
        built("C7-13", "Proof of who asks", "nothing is done before; what was noted goes with the decision"),
        built("C7-14", "Nobody else gets it", "only a session that proved itself fetches a copy"),
        built("C7-15", "We may ask back", "a mailbox that has answered; the time for our answer goes on"),
        built("C7-16", "Answered within a month", "a calendar month, with warnings before its end"),
        built("C7-17", "Delays are told", "once, within the first month, with the reason"),
        built("C7-18", "Complaint to an authority", "each answer names the right one"),
        built("C7-19", "Please ask us first", "said beside it; it keeps nobody from complaining"),
    ),
    "8. Cookies": (
        built("C8-01", "Only what is needed", "a cookie that is not declared does not leave the house"),
        built("C8-02", "Cookies can be refused", "a program does everything without one"),
        outside("C8-03", "Cookies hold an order", _SHOP),
        built("C8-04", "Cookies of forms", "the only one holds nothing but chance; what is typed stays in its tab"),
        built("C8-05", "Cookies of preferences", "there is none: choices lie in the account"),
        built("C8-06", "Cookies of others", "there are none"),
        built("C8-07", "Statistics", "counters that name nobody"),
        built("C8-08", "Content by a social account", "nothing of them is kept or asked for"),
        built("C8-09", "Social buttons", "there are none"),
    ),
    "9. Changes": (
        built("C9-01", "One policy for every country", "everybody is shown the same version"),
        built("C9-02", "It may change; the newest is shown", "with every older one, unchanged to the byte"),
        built("C9-03", "It holds once it is told", "one that would hold before stops the start"),
        built("C9-04", "Rights are not made less", "one that takes any stops the start"),
        built("C9-05", "A large change is told more clearly", "by mail as well, until seen"),
        built("C9-06", "Going on means agreeing", "it does not: using the service agrees to nothing"),
        built("C9-07", "It holds for all that is collected", "a consent says under which version it was given"),
    ),
}

CLAUSES: tuple[Clause, ...] = tuple(clause for part in PARTS.values() for clause in part)
