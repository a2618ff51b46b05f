"""What settings say together: an account is given whole or not at all, and no secret travels in clear by mistake."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isocket.app.settings import Settings


def disagreement(settings: "Settings") -> str | None:
    """Return why these settings, each good by itself, cannot hold together; None where they can."""
    twilio = (settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_from)
    if any(twilio) and not all(twilio):
        return "ISOCKET_TWILIO_ACCOUNT_SID, _AUTH_TOKEN and _FROM belong together: give all three or none"
    if not all(twilio) and (settings.twilio_auth_token_previous or settings.twilio_voice_from):
        return "ISOCKET_TWILIO_AUTH_TOKEN_PREVIOUS and _VOICE_FROM need an account: give that, or neither"
    elks = (settings.elks_username, settings.elks_password, settings.elks_from)
    if any(elks) and not all(elks):
        return "ISOCKET_ELKS_USERNAME, _PASSWORD and _FROM belong together: give all three or none"
    tls = (settings.mqtt_tls, settings.mqtt_tls_certificate, settings.mqtt_tls_key)
    if any(tls) and not all(tls):
        return "ISOCKET_MQTT_TLS, _TLS_CERTIFICATE and _TLS_KEY belong together: give all three or none"
    if settings.mqtt_plain == "loopback" and not settings.mqtt.is_loopback and settings.broker_url is None:
        return (
            f"ISOCKET_MQTT={settings.mqtt} would let secrets travel unencrypted: listen with ISOCKET_MQTT_TLS, "
            "or set ISOCKET_MQTT_PLAIN=anywhere"
        )
    return None
