"""MQTT on one side, stored records on the other: what sockets say is stored, what they are told is published."""
