"""The channels that come with the app: one line each."""

from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.channels.registry import ChannelRegistry
from campaigns_app.channels.simulator import SimulatorChannel
from campaigns_app.channels.telegram import TelegramChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.channels.whatsapp import WhatsappChannel


def register_builtin_channels(registry: ChannelRegistry) -> None:
    """Register every channel of this package."""
    registry.register(ApiChannel())
    registry.register(WhatsappChannel())
    registry.register(TwilioSmsChannel())
    registry.register(BandwidthSmsChannel())
    registry.register(TelegramChannel())
    registry.register(SimulatorChannel())
