"""Log lines."""

import json
import logging
from collections.abc import Iterator

import pytest

from campaigns_app.logs import init_logging, lines_together

logger = logging.getLogger("campaigns_app.tests")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    init_logging("INFO", "console")


def test_a_json_line_has_the_ids_as_fields(capsys: pytest.CaptureFixture[str]) -> None:
    init_logging("INFO", "json")

    logger.info("Campaign %s finished", 7, extra={"campaign_id": 7})

    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["campaign_id"]) == ("Campaign 7 finished", "info", 7)


def test_a_console_line_can_be_read_by_people(capsys: pytest.CaptureFixture[str]) -> None:
    init_logging("INFO", "console")

    logger.warning("Campaign %s failed", 7, extra={"campaign_id": 7})

    line = capsys.readouterr().err
    assert line.endswith("Z WARNING campaigns_app.tests: Campaign 7 failed campaign_id=7\n")


def test_lines_written_together_are_the_lines_written_one_by_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    init_logging("INFO", "console")

    with lines_together():
        for number in range(200):
            logger.info("Line %s of many", number)
    logger.info("One more")

    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [
        *(f"Line {number} of many" for number in range(200)),
        "One more",
    ]


def test_lines_are_written_even_if_something_fails_between_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    init_logging("INFO", "console")

    def fail_after_a_line() -> None:
        with lines_together():
            logger.info("Before")
            raise LookupError

    with pytest.raises(LookupError):
        fail_after_a_line()

    assert "Before" in capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_exception_comes_with_its_traceback(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    init_logging("INFO", log_format)

    try:
        raise LookupError("no such thing")
    except LookupError:
        logger.exception("It went wrong")

    assert "LookupError: no such thing" in capsys.readouterr().err


def test_what_is_less_severe_than_the_level_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    init_logging("WARNING", "console")

    logger.info("Nothing of note")

    assert capsys.readouterr().err == ""


def test_a_line_is_written_once_however_often_logging_is_set_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    init_logging("INFO", "console")
    init_logging("INFO", "console")

    logger.info("Once")

    assert capsys.readouterr().err.count("Once") == 1
