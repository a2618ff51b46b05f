"""The pages behind the links in messages, for readers without an account. Opening one changes nothing."""

from html import escape

from alerts.wording.messages import Reader, Story, headline, times
from alerts.wording.phrases import words
from alerts.wording.taking import taking_words
from isocket.domain.incidents import IncidentState
from isocket.domain.letters import spoken


def incident_page(story: Story, reader: Reader, *, offer: str = "") -> str:
    """Return the page behind the link in a mail: what the mail says, how it stands now, and a button.

    The button is there while it is open, or while whoever took it has not said that they still are on it. `offer` is
    HTML that stands below it and needs our script (see `push_offer`).
    """
    texts, incident = words(reader.language), story.incident
    asked = taking_words(reader.language)
    over = incident.state is IncidentState.CLOSED
    shown = "".join(f"<p>{escape(each)}</p>" for each in times(story, reader, clear=over))
    if incident.state is IncidentState.OPEN:
        shown += _button(texts.ack_text, texts.ack_button)
    elif incident.state is IncidentState.ACKNOWLEDGED and incident.asked_at is not None:
        shown += _button(asked.still_page, asked.still_button)
    else:
        shown += f'<p class="note ok">{escape(texts.ack_over if over else texts.ack_done)}</p>'
    script = '<script type="module" src="/static/push.js"></script>' if offer else ""
    return _page(headline(story, reader, clear=over), shown + offer, spoken(reader.language), script=script)


def stop_page(language: str) -> str:
    """Return the page that asks, by a button, whether messages should stop. Opening it changes nothing."""
    texts = words(language)
    return _page(texts.stop_title, _button(texts.stop_text, texts.stop_button), spoken(language))


def stopped_page(language: str) -> str:
    """Return the page that says that messages have stopped."""
    texts = words(language)
    return _page(texts.stop_title, f"<p>{escape(texts.stop_done)}</p>", spoken(language))


def link_over_page(language: str) -> str:
    """Return the page behind a link whose message is gone: what it was, and where to look."""
    texts = words(language)
    return _page(texts.link_over_title, f"<p>{escape(texts.link_over)}</p>", spoken(language))


def _button(text: str, label: str) -> str:
    return f'<p>{escape(text)}</p><form method="post"><button class="main">{escape(label)}</button></form>'


def _page(title: str, body: str, language: str, *, script: str = "") -> str:
    head = (
        f'<meta charset="utf-8"><title>{escape(title)}</title><meta name="robots" content="noindex">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="/static/portal.css">'
    )
    return (
        f'<!DOCTYPE html><html lang="{language}"><head>{head}{script}</head><body><main class="narrow">'
        f'<div class="card door"><h1>{escape(title)}</h1>{body}</div></main></body></html>'
    )
