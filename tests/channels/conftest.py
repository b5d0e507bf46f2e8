"""What the tests of adapters share."""

from collections.abc import Iterator

import pytest

from tests.receiver import Receiver, receiving


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    """A server that answers what a test says."""
    with receiving() as one:
        yield one
