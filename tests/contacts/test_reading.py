"""A file is read record by record, whatever is wrong with single ones."""

import io
import tracemalloc

import pytest

from campaigns_app.contacts.reading import LONGEST_RECORD, Fault, Record, read_records


def read(content: bytes) -> list[Record]:
    return list(read_records(io.BytesIO(content)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_as_any_system_ends_them(end: bytes) -> None:
    assert read(end.join([b"a,b", b"c,d"])) == [Record(1, ["a", "b"]), Record(2, ["c", "d"])]


def test_the_mark_of_utf8_is_not_part_of_the_first_cell() -> None:
    assert read("\ufeffémail".encode()) == [Record(1, ["émail"])]


def test_a_record_over_several_lines_begins_at_its_first() -> None:
    assert read(b'a\n"b\nc",d\ne\n') == [
        Record(1, ["a"]),
        Record(2, ["b\nc", "d"]),
        Record(4, ["e"]),
    ]


@pytest.mark.parametrize("rest", [b"b\nc\n", b"b\n" * LONGEST_RECORD])
def test_a_quotation_that_is_never_closed_costs_one_line(rest: bytes) -> None:
    records = read(b'"a\n' + rest)

    assert records[0] == Record(1, ['"a\n'], Fault.MALFORMED)
    assert records[1] == Record(2, ["b"])
    assert len(records) == 1 + rest.count(b"\n")


def test_a_quotation_that_ends_too_early_costs_one_line() -> None:
    assert [record.fault for record in read(b'"a"b\nc\n')] == [Fault.MALFORMED, None]


def test_a_line_that_is_too_long_costs_itself() -> None:
    records = read(b"a\n" + b"x" * 3 * LONGEST_RECORD + b"\nb\n")

    assert [record.fault for record in records] == [None, Fault.TOO_LONG, None]
    assert records[2] == Record(3, ["b"])


def test_a_blank_line_is_a_record_without_content() -> None:
    assert [record.is_blank for record in read(b"a\n\n  \n,\n")] == [False, True, True, False]


def test_the_source_is_left_open() -> None:
    source = io.BytesIO(b"a\n")

    list(read_records(source))

    assert not source.closed


def test_memory_stays_flat_even_for_one_endless_line() -> None:
    class Endless(io.BytesIO):
        left = 300

        def read1(self, size: int | None = -1) -> bytes:
            self.left -= 1
            return b"x" * 65_536 if self.left > 0 else b""

    tracemalloc.start()
    records = list(read_records(Endless()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [record.fault for record in records] == [Fault.TOO_LONG]
    assert peak < 5_000_000
