"""What a wire format has to say to the simulator."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from aiohttp import web

from campaigns_app.operations.simulator.ledger import Ledger


class Refusal(Enum):
    """Why a well-formed request is refused."""

    ADDRESS = "the number cannot be written to"
    OPTED_OUT = "the person has opted out"
    TOO_FAST = "too many requests"
    TROUBLE = "trouble at the provider"
    ACCOUNT = "something is wrong with the account"


class State(Enum):
    """What a callback says of a message."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    OPTED_OUT = "failed, because the person has opted out"


class Malformed(Exception):
    """A request that the provider would refuse; `response` is how."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Order:
    """A message that somebody asks to send. `callback` is where its receipts go, as the request
    or the account says; None where nobody asks for them. `extra` is the format's own."""

    sender: str
    to: str
    text: str
    delivery_id: str
    callback: str | None
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Callback:
    """A request that the provider makes, signed as it signs."""

    url: str
    body: bytes
    headers: dict[str, str]


class Format(ABC):
    """One provider's wire format. `callback_url` is where the account's callbacks go, for those
    that are not named in each request. `refuses_opted_out` says whether the request of a message
    to somebody who has opted out is refused; if not, a callback tells of it."""

    name: ClassVar[str]
    refuses_opted_out: ClassVar[bool] = True
    last_state: ClassVar[State] = State.DELIVERED

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.callback_url: str | None = None

    @property
    @abstractmethod
    def send_path(self) -> str:
        """The path to which messages are posted."""

    @abstractmethod
    async def read(self, request: web.Request) -> Order:
        """The message that a request asks to send. Raises `Malformed`."""

    @abstractmethod
    def accept(self, order: Order, provider_id: str) -> web.Response:
        """The answer to a request that was taken."""

    @abstractmethod
    def refuse(self, refusal: Refusal, order: Order) -> web.Response:
        """The answer to one that was not."""

    @abstractmethod
    def make_id(self) -> str:
        """An id for a message, of the form that the provider's have."""

    @abstractmethod
    def receipt(self, order: Order, provider_id: str, state: State) -> Callback | None:
        """The callback that tells the state; None where the provider tells nothing of it."""

    @abstractmethod
    def reply(self, order: Order, text: str) -> Callback | None:
        """The callback that tells what the person wrote back."""

    def change_template(self, told: Mapping[str, Any]) -> Callback | None:
        """Give one of the account's templates another status, and tell of it; None where nobody is
        to be told. Raises `Malformed` where there is no such template."""
        raise Malformed(web.Response(status=404))

    def routes(self) -> Sequence[web.RouteDef]:
        """What else can be asked for."""
        return ()


def problem(status: int, content: object, **headers: str) -> web.Response:
    """An answer of JSON; `Retry_After="1"` becomes the header `Retry-After`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response(content, status=status, headers=named)
