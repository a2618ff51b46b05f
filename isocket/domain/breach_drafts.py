"""What an authority has to read about a breach, as a draft: filled in from the register, to be read by people first."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from isocket.domain.breach_letters import kinds_of
from isocket.domain.breach_scope import fields_in
from isocket.domain.breaches import Breach, Decision, decisions, dues, notice_of, report_of
from isocket.domain.processing import Controller
from isocket.domain.regulation import Due, Duty, ProductEvent
from isocket.kit.clock import to_text

_NOT_KNOWN = "not known yet; it follows (Art. 33(4))"


def draft(breach: Breach, duty: Duty, *, controller: Controller, numbers: Mapping[str, int]) -> str | None:
    """Return the draft for one duty, None where a breach has no such duty."""
    due = next((each for each in dues(breach) if each.duty is duty), None)
    if due is None:
        return None
    match duty:
        case Duty.AUTHORITY:
            body = _of_data(breach, controller, numbers)
        case Duty.USERS:
            body = _for_users(breach, controller)
        case _:
            body = _of_product(breach, controller, duty)
    return "\n".join([*_head(breach, due), "", *body]) + "\n"


def _head(breach: Breach, due: Due) -> list[str]:
    without = "in good time" if due.duty is Duty.USERS else "what it counts from has not happened yet"
    until = to_text(due.due_at) if due.due_at else without
    noted = decisions(breach).get(due.duty)
    return [
        f"To {due.to} ({due.law})",
        f"Our reference: {breach.id}",
        f"We became aware: {to_text(breach.aware_at)}. Last moment: {until}.",
        *([_late(due, noted)] if noted else []),
    ]


def _late(due: Due, noted: Decision) -> str:
    if noted.told_at is None:
        return f"Not told, because: {noted.reason}"
    late = due.due_at is not None and noted.told_at > due.due_at
    reason = f" It was late, because: {noted.reason}" if late else ""
    return f"Told: {to_text(noted.told_at)}, {noted.reference or 'no reference'}.{reason}"


def _of_data(breach: Breach, controller: Controller, numbers: Mapping[str, int]) -> list[str]:
    """Return what Art. 33(3) asks for, point by point."""
    notice = notice_of(breach).get("en")
    kinds = kinds_of("en", _open_fields(breach))
    return [
        "(a) Nature of the breach",
        f"    {', '.join(breach.kinds)}: {breach.what}",
        f"    {_when(breach)}",
        f"    Categories of data: {', '.join(kinds) or 'see what the ledgers say of each person'}",
        f"    People concerned, about: {breach.concerned if breach.counted_at else _NOT_KNOWN}",
        "(b) Contact",
        f"    {controller.signature}",
        "(c) Likely consequences",
        f"    {notice.consequences if notice else _NOT_KNOWN}",
        f"    Risk: {breach.harm.value}. {breach.why_harm}",
        "(d) Measures",
        f"    {notice.measures if notice else _NOT_KNOWN}",
        *[f"    {each.done}" for language, each in report_of(breach).items() if language == "en"],
        "People told (Art. 34)",
        *[f"    {name.replace('_', ' ')}: {many}" for name, many in numbers.items() if many],
        f"    First word: {_moment(breach.notice_at)}",
        f"    Later word: {_moment(breach.report_at)}",
    ]


def _of_product(breach: Breach, controller: Controller, duty: Duty) -> list[str]:
    """Return what Art. 14 of the Cyber Resilience Act asks for."""
    exploited = breach.event is ProductEvent.VULNERABILITY
    report = report_of(breach).get("en")
    lines = [
        f"Manufacturer: {controller.signature}",
        f"What: {'an actively exploited vulnerability' if exploited else 'a severe incident'} of the product.",
        f"Nature: {breach.what}",
        _when(breach),
        "Member States in which the product is available: (to be filled in)",
        "Suspected to be caused by unlawful or malicious acts: (to be filled in)",
    ]
    if duty is not Duty.EARLY_WARNING:
        lines.append(f"Assessment: {breach.harm.value}. {breach.why_harm}")
    if duty is Duty.FINAL_REPORT:
        lines.append(f"Measures taken: {report.done if report else '(to be filled in)'}")
        lines.append(f"Corrective measure there since: {_moment(breach.fixed_at)}")
    return lines


def _for_users(breach: Breach, controller: Controller) -> list[str]:
    """Return what whoever uses the product has to know (Art. 14(8)); `isocket announce` mails it, by model."""
    notice, report = notice_of(breach).get("en"), report_of(breach).get("en")
    exploited = breach.event is ProductEvent.VULNERABILITY
    advice = next((each.advice for each in (report, notice) if each is not None and each.advice), "(to be filled in)")
    return [
        f"What: {'strangers use a hole in the product' if exploited else 'a severe incident of the product'}.",
        f"What happened: {notice.happened if notice else '(to be filled in)'}",
        f"What you can do: {advice}",
        f"What we do: {report.done if report else notice.measures if notice else '(to be filled in)'}",
        f"Corrected since: {_moment(breach.fixed_at)}",
        controller.signature,
    ]


def _when(breach: Breach) -> str:
    return f"From {to_text(breach.began_at)} to {to_text(breach.ended_at) if breach.ended_at else 'now, or not known'}"


def _moment(at: datetime | None) -> str:
    return to_text(at) if at is not None else "not yet"


def _open_fields(breach: Breach) -> Sequence[str]:
    return [f"{collection}.{field}" for collection, names in fields_in(breach.scope).items() for field in names]
