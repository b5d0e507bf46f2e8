"""How far a delivery is."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """How far an event got on its way to one endpoint."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt of the schedule failed, or the endpoint is gone for good."""
