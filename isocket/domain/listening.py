"""Whether we were listening at all: silence means something only while the bridge hears."""

from datetime import datetime

from isocket.domain.handling import Plain
from isocket.domain.record import Record, record

BRIDGE = "bridge"
RENEWED_EVERY_S = 5.0
BELIEVED_FOR_S = 20.0  # without renewal the bridge is gone, or cut off from its broker


@record(collection="listening")
class Listening(Record):
    """From `since` to `until` both of the bridge's sessions were up without a break. There is one, `BRIDGE`."""

    since: Plain[datetime]
    until: Plain[datetime]
