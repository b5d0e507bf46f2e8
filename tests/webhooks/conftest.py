"""A receiver for deliveries."""

from collections.abc import Iterator

import pytest

from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that can be told how to answer."""
    with receiving() as server:
        yield server
