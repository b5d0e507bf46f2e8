"""The channels of an application, by name."""

from collections.abc import Iterator

from flask import current_app

from campaigns_app.channels.base import Channel
from campaigns_app.errors import UnknownChannel

EXTENSION = "channels"


class ChannelRegistry:
    """The channels that inboxes can be made of, in the order in which they were registered."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}

    def register(self, channel: Channel) -> None:
        """Add `channel`. Raises `ValueError` when its name is taken."""
        taken = self._channels.get(channel.name)
        if taken is not None:
            raise ValueError(
                f"two channels are named {channel.name!r}: "
                f"{type(taken).__qualname__} and {type(channel).__qualname__}"
            )
        self._channels[channel.name] = channel

    def get(self, name: str) -> Channel:
        """The channel called `name`. Raises `UnknownChannel`, which lists the known ones."""
        try:
            return self._channels[name]
        except KeyError:
            raise UnknownChannel(
                f"no channel {name!r}; known: {', '.join(self._channels)}"
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._channels

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels.values())


def get_channels() -> ChannelRegistry:
    """The registry of the current application."""
    registry: ChannelRegistry = current_app.extensions[EXTENSION]
    return registry
