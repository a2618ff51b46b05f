"""The ways of reaching a person, one module for each provider."""

from alerts.channels.channel import CancellingChannel, Channel, ChannelKind, Message

__all__ = ["CancellingChannel", "Channel", "ChannelKind", "Message"]
