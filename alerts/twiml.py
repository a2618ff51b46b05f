"""Writes what Twilio says in a call and which keys it takes (https://www.twilio.com/docs/voice/twiml), and answers to
texts.

The whole message stands inside the Gather: a key that is pressed while it is spoken counts.
"""

from twilio.twiml.messaging_response import (  # type: ignore[import-untyped]  # twilio ships no types
    MessagingResponse,
)
from twilio.twiml.voice_response import (  # type: ignore[import-untyped]  # twilio ships no types
    Gather,
    Say,
    VoiceResponse,
)

from alerts.wording.spoken import Speech

CODE_TIMES = 3
PATIENCE_S = 8  # for a key, after the last word
RATE = "slow"


def asking(text: str, keys: str, speech: Speech, *, action: str) -> str:
    """Return the document that says `text` and the keys twice, waits for a key, says it again, and gives up.

    A key is posted to `action`. Without one nothing is: the call then ends by itself, and that is no answer.
    """
    response = VoiceResponse()
    for times in (2, 1):
        gather = _gather(action)
        for _ in range(times):
            gather.append(_say(text, speech))
            gather.pause(length=1)
            gather.append(_say(keys, speech))
            gather.pause(length=1)
        response.append(gather)
    response.append(_say(speech.unanswered, speech))
    response.hangup()
    return str(response)


def telling_code(text: str, keys: str, speech: Speech, *, action: str) -> str:
    """Return the document that says a code so that it can be written down, and then the key that stops our calls."""
    response = VoiceResponse()
    gather = _gather(action)
    for _ in range(CODE_TIMES):
        gather.append(_say(text, speech))
        gather.pause(length=1)
    gather.append(_say(keys, speech))
    response.append(gather)
    response.hangup()
    return str(response)


def asking_once(question: str, speech: Speech, *, action: str) -> str:
    """Return the document that asks for one key more and then ends."""
    response = VoiceResponse()
    gather = _gather(action)
    gather.append(_say(question, speech))
    response.append(gather)
    response.hangup()
    return str(response)


def saying(text: str, speech: Speech, *, times: int = 1) -> str:
    """Return the document that says `text` so often and ends the call; no key is listened to."""
    response = VoiceResponse()
    for _ in range(times):
        response.append(_say(text, speech))
        response.pause(length=1)
    response.hangup()
    return str(response)


def texting(answer: str) -> str:
    """Return the document that answers a text message, or says nothing where `answer` is empty."""
    response = MessagingResponse()
    if answer:
        response.message(answer)
    return str(response)


def _gather(action: str) -> Gather:
    return Gather(
        input="dtmf",
        num_digits=1,
        timeout=PATIENCE_S,
        finish_on_key="",
        action=action,
        method="POST",
        action_on_empty_result=False,
    )


def _say(text: str, speech: Speech) -> Say:
    say = Say(language=speech.tag, voice=speech.voice)
    say.prosody(text, rate=RATE)
    return say
