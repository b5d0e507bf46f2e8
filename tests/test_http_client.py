"""The door to the network: guarded where it is dialled, bounded in time and size."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from campaigns_app.http_client import (
    LONGEST_BODY,
    Answer,
    AnswerBroken,
    Blocked,
    ConnectionFailed,
    HttpClient,
    Policy,
    RequestFailed,
    TimedOut,
    read_retry_after,
)
from tests import receiver as manners
from tests.receiver import Receiver, receiving

LOCAL = Policy((ip_network("127.0.0.0/8"),), timeout_seconds=1, connections=10)
STRICT = Policy((), timeout_seconds=1, connections=10)
PUBLIC = "93.184.216.34"


class Names(AbstractResolver):
    """A name service that gives one list of addresses after another; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in addresses
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def post(url: str, policy: Policy = LOCAL, names: Names | None = None) -> Answer:
    async def send() -> Answer:
        async with HttpClient(policy, resolver=names) as http:
            return await http.post(url, b"{}", {"Content-Type": "application/json"})

    return asyncio.run(send())


def test_the_answer_and_its_beginning_come_back(receiver: Receiver) -> None:
    url = receiver.script("/", manners.status(429, b"slow down", Retry_After="120"))

    answer = post(url)

    assert (answer.status, answer.body, answer.retry_after) == (429, b"slow down", 120)
    assert receiver.requests[0].body == b"{}"
    assert receiver.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "LOCALHOST.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
        ),
        *("0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1."),
        *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]"),
        *("①②⑦.⓪.⓪.①", "127。0。0。1", "0x7f.1", "0177.0.0.1", "user@127.0.0.1"),
    ],
)
def test_no_spelling_of_an_inside_address_is_dialled(receiver: Receiver, host: str) -> None:
    port = receiver.server_address[1]

    with pytest.raises(RequestFailed):
        post(f"http://{host}:{port}/", STRICT)

    assert receiver.connections == 0


def test_a_name_that_leads_inside_is_not_dialled(receiver: Receiver) -> None:
    url = f"http://inside.example:{receiver.server_address[1]}/"

    with pytest.raises(Blocked, match=r"^destination not allowed$"):
        post(url, STRICT, Names(["127.0.0.1"]))

    assert receiver.connections == 0


def test_one_inside_address_among_others_refuses_the_whole_name(receiver: Receiver) -> None:
    url = f"http://mixed.example:{receiver.server_address[1]}/"

    with pytest.raises(Blocked):
        post(url, STRICT, Names([PUBLIC, "127.0.0.1"]))

    assert receiver.connections == 0


def test_a_name_that_is_turned_inside_later_is_asked_once_for_each_connection(
    receiver: Receiver,
) -> None:
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    policy = Policy((ip_network("127.0.0.2/32"),), timeout_seconds=1, connections=1)
    url = f"http://rebinding.example:{receiver.server_address[1]}/"

    # The first address is allowed and nobody listens there; the second is where the server is.
    with pytest.raises(ConnectionFailed):
        post(url, policy, names)
    with pytest.raises(Blocked):
        post(url, policy, names)

    assert receiver.connections == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/", "http://inside.example:{port}/"])
def test_a_redirect_inside_is_not_followed(receiver: Receiver, address: str) -> None:
    with receiving() as inside:
        target = address.replace("{port}", str(inside.server_address[1]))
        url = receiver.script("/", manners.status(302, Location=target))

        assert post(url, names=Names(["127.0.0.1"])).status == 302
        assert inside.connections == 0


def test_the_port_of_another_server_is_not_dialled() -> None:
    for names in (None, Names([PUBLIC])):
        host = "mail.example" if names else PUBLIC
        with pytest.raises(Blocked, match=r"^destination not allowed$"):
            post(f"http://{host}:25/", STRICT, names)


def test_the_proxy_and_netrc_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(netrc))

    assert post(receiver.url()).status == 200
    assert "Authorization" not in receiver.requests[0].headers


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    url = receiver.script("/", manners.status(308, Location=receiver.url("/elsewhere")))

    assert post(url).status == 308
    assert [request.path for request in receiver.requests] == ["/"]


@pytest.mark.parametrize("manner", [manners.silence, manners.drip])
def test_the_deadline_holds_for_the_whole_answer(
    receiver: Receiver, manner: manners.Manner
) -> None:
    url = receiver.script("/", manner)

    with pytest.raises(TimedOut) as caught:
        post(url)

    assert 900 <= caught.value.duration_ms < 3000


def test_of_a_gigabyte_only_the_beginning_is_read(receiver: Receiver) -> None:
    url = receiver.script("/", manners.flood)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answer = post(url)

    assert len(answer.body) == LONGEST_BODY
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_headers_without_end_are_cut_off(receiver: Receiver) -> None:
    url = receiver.script("/", manners.endless_headers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(RequestFailed):
        post(url)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_an_answer_that_is_always_about_to_follow_leaves_others_their_turns(
    receiver: Receiver,
) -> None:
    flooding = receiver.script("/flood", manners.endless_announcements)

    async def ask_both() -> tuple[bool, bool]:
        async with HttpClient(LOCAL) as http:
            flood = asyncio.create_task(http.post(flooding, b"{}", {}))
            for _ in range(10):
                await http.post(receiver.url(), b"{}", {})
            came_first = not flood.done()
            [failure] = await asyncio.gather(flood, return_exceptions=True)
            return came_first, isinstance(failure, TimedOut)

    assert asyncio.run(ask_both()) == (True, True)


def test_a_compressed_answer_is_not_unpacked(receiver: Receiver) -> None:
    url = receiver.script("/", manners.status(200, b"\x1f\x8b", Content_Encoding="gzip"))

    assert post(url).body == b"\x1f\x8b"


@pytest.mark.parametrize("manner", [manners.reset, manners.gibberish])
def test_a_broken_answer_is_told_apart(receiver: Receiver, manner: manners.Manner) -> None:
    url = receiver.script("/", manner)

    with pytest.raises(AnswerBroken):
        post(url)


def test_nobody_listening_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailed, match=r"^no connection$"):
        post("http://127.0.0.1:1/")


def test_an_unknown_name_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailed, match=r"^name not found$"):
        post("http://not-there.invalid/")


def test_plain_http_where_https_is_asked_for_is_a_failed_connection(receiver: Receiver) -> None:
    with pytest.raises(ConnectionFailed):
        post(receiver.url().replace("http:", "https:"))


def test_a_connection_that_does_not_come_in_time_is_told_from_an_answer_that_does_not() -> None:
    impatient = Policy(LOCAL.allowed_networks, 2, 10, connect_seconds=0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # Two wait to be accepted, and the queue is full.
        with socket.create_connection(address), contextlib.ExitStack() as waiting:
            for _ in range(3):
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(address)

            with pytest.raises(ConnectionFailed, match=r"^no connection in time$"):
                post(f"http://127.0.0.1:{address[1]}/", impatient)


def test_a_question_is_answered_with_as_much_as_is_wanted(receiver: Receiver) -> None:
    url = receiver.script("/list", manners.status(200, b"x" * 100_000))

    async def ask() -> tuple[Answer, Answer]:
        async with HttpClient(LOCAL) as http:
            return await http.get(url, {}), await http.get(url, {}, longest_body=50_000)

    short, long = asyncio.run(ask())

    assert (len(short.body), len(long.body)) == (LONGEST_BODY, 50_000)


def test_cookies_are_not_kept(receiver: Receiver) -> None:
    url = receiver.script("/", manners.status(200, Set_Cookie="a=b"))

    async def send_twice() -> None:
        async with HttpClient(LOCAL) as http:
            await http.post(url, b"{}", {})
            await http.post(url, b"{}", {})

    asyncio.run(send_twice())

    assert "Cookie" not in receiver.requests[1].headers


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *((None, None), ("120", 120), (" 7 ", 7), ("soon", None), ("-1", None), ("1.5", None)),
        ("Tue, 24 Nov 2026 00:01:00 GMT", 60),
        ("Mon, 23 Nov 2026 00:00:00 GMT", 0),
        ("9" * 5000, None),
        *((f"1 Jan {'9' * 20} 00:00:00 GMT", None), (f"1 Jan 2027 {'9' * 40}:00:00", None)),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, datetime(2026, 11, 24, tzinfo=UTC)) == seconds
