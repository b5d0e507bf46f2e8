"""How many messages a sender may send in a second."""

import time


class Rate:
    """A budget for each sender that fills up evenly, and holds what one second gives."""

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, sender: str) -> bool:
        """Whether one more message is within the rate; takes it out of the budget."""
        if self._per_second is None:
            return True
        now, most = time.monotonic(), max(1.0, self._per_second)
        left, at = self._left.get(sender, (most, now))
        left = min(most, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._left[sender] = (left - 1 if allowed else left, now)
        return allowed
