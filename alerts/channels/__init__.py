"""The ways of reaching a person, one module for each provider."""

from alerts.channels.channel import Channel, ChannelKind, Message

__all__ = ["Channel", "ChannelKind", "Message"]
