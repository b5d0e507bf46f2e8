"""A receiver for deliveries."""

from collections.abc import Iterator

import pytest

from tests.payloads import assert_batches_as_published
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """A server that can be told how to answer. The batches that the application has sent to it are
    such as are published."""
    with receiving() as server:
        yield server
        if "app" in request.fixturenames:
            bodies = [received.body for received in server.requests]
            assert_batches_as_published(request.getfixturevalue("app"), bodies)
