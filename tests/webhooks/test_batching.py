"""What is put into one request."""

from collections import deque
from dataclasses import dataclass

from campaigns_app.webhooks import batching
from campaigns_app.webhooks.batching import LARGEST_BATCH_BYTES, compose, cut, full_batches


@dataclass(frozen=True)
class Told:
    uid: str
    payload: bytes


def chain(*numbers: int, size: int = 2) -> deque[Told]:
    return deque(Told(f"msg_{number}", b"x" * size) for number in numbers)


def uids(events: list[Told]) -> list[str]:
    return [event.uid for event in events]


def test_one_event_goes_as_it_was_written() -> None:
    assert compose([Told("msg_1", b"{}")], as_batch=False) == ("msg_1", b"{}")


def test_a_batch_has_an_id_of_its_own() -> None:
    one, _ = compose([Told("msg_1", b"{}")], as_batch=True)
    other, _ = compose([Told("msg_1", b"{}")], as_batch=True)

    assert one.startswith("batch_")
    assert one != other


def test_chains_are_cut_in_their_order() -> None:
    chains = [chain(1, 2), chain(3, 4, 5)]

    assert uids(cut(chains, 3)) == ["msg_1", "msg_2", "msg_3"]
    assert uids(cut(chains, 3)) == ["msg_4", "msg_5"]
    assert cut(chains, 3) == []


def test_a_request_does_not_grow_beyond_its_size() -> None:
    large = chain(1, 2, 3, size=LARGEST_BATCH_BYTES // 2)

    assert uids(cut([large], 100)) == ["msg_1", "msg_2"]


def test_an_event_that_is_larger_than_any_batch_goes_alone() -> None:
    assert uids(cut([chain(1, 2, size=LARGEST_BATCH_BYTES + 1)], 100)) == ["msg_1"]


def test_the_envelope_is_what_the_module_says_it_is() -> None:
    _, body = compose([Told("msg_1", b"{}"), Told("msg_2", b"[]")], as_batch=True)

    expected = b'{"type":"batch","events":[{"id":"msg_1","event":{}},{"id":"msg_2","event":[]}]}'
    assert body == expected
    assert batching.__doc__ is not None


def test_full_batches_are_as_full_as_can_be_without_dividing_a_conversation() -> None:
    events = [(number, number // 2, 100) for number in range(10)]

    assert list(full_batches(events, 5)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert list(full_batches(events, 10)) == [list(range(10))]


def test_what_fills_no_batch_is_left_out() -> None:
    events: list[tuple[int, int | None, int]] = [(number, None, 100) for number in range(7)]

    assert list(full_batches(events, 3)) == [[0, 1, 2], [3, 4, 5]]


def test_no_full_batch_is_larger_than_a_request() -> None:
    events = [(number, number, LARGEST_BATCH_BYTES // 3) for number in range(7)]

    assert list(full_batches(events, 100)) == [[0, 1, 2], [3, 4, 5]]


def test_a_conversation_that_fills_more_than_a_request_is_in_no_full_batch() -> None:
    events = [(number, number // 4, 100) for number in range(8)]

    assert list(full_batches(events, 3)) == []
