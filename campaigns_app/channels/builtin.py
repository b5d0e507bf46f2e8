"""The channels that come with the app: one line each."""

from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.channels.registry import ChannelRegistry


def register_builtin_channels(registry: ChannelRegistry) -> None:
    """Register every channel of this package."""
    registry.register(ApiChannel())
