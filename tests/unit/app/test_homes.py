"""Where customers are told to find the broker."""

from pathlib import Path

from isocket.app.homes import home_broker
from isocket.app.settings import Settings
from portal_api.portal import HomeBroker


def test_customers_come_to_the_public_address_by_tls_where_it_is_there() -> None:
    settings = Settings.model_validate(
        {
            "public_url": "https://cloud.example.org",
            "mqtt_tls": "0.0.0.0:8883",
            "mqtt_tls_certificate": Path("cert.pem"),
            "mqtt_tls_key": Path("key.pem"),
        }
    )
    assert home_broker(settings) == HomeBroker(host="cloud.example.org", port=8883, tls=True)


def test_on_one_machine_they_come_without() -> None:
    assert home_broker(Settings()) == HomeBroker(host="127.0.0.1", port=1883, tls=False)


def test_at_a_broker_of_somebody_else_there_is_nothing_for_them() -> None:
    assert home_broker(Settings.model_validate({"broker_url": "mqtts://user:secret@broker.example.org"})) is None
