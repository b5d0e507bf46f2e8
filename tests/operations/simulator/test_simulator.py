"""The simulator's process: strict, with a ledger that outlives it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from campaigns_app.channels.provider import Receipt
from campaigns_app.operations.simulator.ledger import Entry, Ledger
from campaigns_app.operations.simulator.manners import Manner, manner_of
from campaigns_app.operations.simulator.rate import Rate
from tests.channels.providers import CHANNELS, PATHS, account_of, message_to, run, send, simulating

CAMPAIGNS = Path(sys.executable).with_name("campaigns")
ENTRY = Entry(1.5, "twilio", "4711", "SM1", "+1", "+2", "Grüße")


@contextmanager
def simulator_process(ledger: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of `campaigns simulator`, and the process."""
    command = [str(CAMPAIGNS), "simulator", "--port", "0", "--ledger", str(ledger), *options]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None
            yield found[0], process
        finally:
            process.kill()


def read_ledger(url: str) -> Any:
    """What `GET /ledger` answers."""
    return json.loads(run(lambda http: http.get(f"{url}/ledger", {})).body)


def test_the_ledger_outlives_the_process(tmp_path: Path) -> None:
    ledger = tmp_path / "new" / "ledger.jsonl"
    channel = CHANNELS[0]
    with simulator_process(ledger) as (url, process):
        receipt = send(channel, account_of(channel, url), message_to())
        process.kill()
        process.wait()

    with simulator_process(ledger) as (url, _):
        [entry] = read_ledger(url)

    assert Receipt(entry["provider_id"]) == receipt
    assert (entry["delivery_id"], entry["text"]) == ("4711", "Hello")


def test_half_a_line_at_the_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(ENTRY)
    with path.open("a") as file:
        file.write('{"at": 2')

    with Ledger(path) as ledger:
        ledger.append(ENTRY)

    with Ledger(path) as ledger:
        assert list(ledger) == [ENTRY, ENTRY]


@pytest.mark.parametrize(
    ("address", "manner"),
    [
        ("+15002000001", Manner.DELIVERED),
        ("+15002010001", Manner.REFUSED),
        ("+15002119999", Manner.STOPS),
        ("15002149999", Manner.TAKES_AND_HANGS),
        ("+15002990001", Manner.DELIVERED),
        ("+14155552671", Manner.DELIVERED),
        ("987", Manner.DELIVERED),
    ],
)
def test_the_number_says_how_a_message_is_treated(address: str, manner: Manner) -> None:
    assert manner_of(address) is manner


def test_each_sender_has_a_rate_of_its_own() -> None:
    rate = Rate(2)

    assert [rate.allows("a") for _ in range(3)] == [True, True, False]
    assert rate.allows("b")
    assert all(Rate(None).allows("a") for _ in range(1000))


@pytest.mark.parametrize(
    ("channel", "body"),
    [
        (channel, body)
        for channel in CHANNELS
        for body in (b"", b"{", b"[]", b"null", b'{"to": 1}', b"To=1&To=2", b"\xff")
    ],
    ids=lambda value: getattr(value, "slug", repr(value)),
)
def test_a_malformed_request_is_refused_in_the_providers_shape(
    tmp_path: Path, channel: Any, body: bytes
) -> None:
    account = account_of(channel, "")
    with simulating(tmp_path / "ledger.jsonl") as simulator:
        url = simulator.url + PATHS[channel.name]
        headers = _headers(channel, account)

        answer = run(lambda http: http.post(url, body, headers))

        assert 400 <= answer.status < 500
        assert {"code", "error", "type", "error_code"} & set(json.loads(answer.body))
        assert len(simulator.ledger) == 0


def _headers(channel: Any, account: Any) -> dict[str, str]:
    from_module = sys.modules[type(channel).__module__]
    headers: dict[str, str] = getattr(from_module, "_headers", lambda account: {})(account)
    form = "application/x-www-form-urlencoded"
    return {**headers, "Content-Type": form if channel.name == "Twilio SMS" else "application/json"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/callbacks/whatsapp", b'{"url": "http://127.0.0.1:9/"}', 204),
        ("/callbacks/pigeon", b'{"url": "http://127.0.0.1:9/"}', 404),
        ("/callbacks/whatsapp", b"{}", 422),
        ("/callbacks/whatsapp", b"{", 422),
    ],
)
def test_where_callbacks_go_can_be_said_while_it_runs(
    tmp_path: Path, path: str, body: bytes, status: int
) -> None:
    with simulating(tmp_path / "ledger.jsonl") as simulator:
        answer = run(lambda http: http.post(simulator.url + path, body, {}))

        assert answer.status == status
