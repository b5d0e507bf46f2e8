"""Channels from other packages: those installed beside the app that name one in their metadata.

[project.entry-points."campaigns_app.channels"]
pigeon = "pigeon_channel:PigeonChannel"
"""

import logging
from importlib.metadata import entry_points

from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import ChannelRegistry

GROUP = "campaigns_app.channels"

logger = logging.getLogger(__name__)


def register_installed_channels(registry: ChannelRegistry) -> None:
    """Register what installed packages offer. A channel that cannot be had is named in the log,
    with the reason, and left out: the others go on sending."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            channel = entry.load()()
            if not isinstance(channel, Channel):
                raise TypeError(f"{entry.value} is no Channel")
            registry.register(channel)
        # A stranger's code, at the edge: anything may be wrong with it.
        except Exception:
            logger.exception("Channel %r (%s) was left out", entry.name, entry.value)
