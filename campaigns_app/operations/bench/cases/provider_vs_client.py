"""How near sending through a provider comes to what its HTTP client can do at all."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from flask import current_app

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import count_states
from campaigns_app.channels.provider import Outcome, OutgoingMessage
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.extensions import db
from campaigns_app.http_client import Answer, HttpClient, Policy
from campaigns_app.inboxes.provider_account import account_of, provider_policy
from campaigns_app.inboxes.settings import HIGHEST_RATE
from campaigns_app.operations.bench import engine
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.client import Request, send_prepared
from campaigns_app.operations.bench.measuring import Timing, timed
from campaigns_app.operations.bench.provider import make_sms_campaign, open_provider, send_all
from campaigns_app.operations.bench.slate import settle, wipe_results
from campaigns_app.operations.simulator.ledger import Ledger

NAME = "provider_vs_client"


def measure(bench: Bench) -> BenchRow:
    """One worker that sends a campaign, against the bare client making the same requests."""
    messages = bench.pick(20_000, 5_000, 20)
    with open_provider(bench) as provider:
        work = provider.processes
        campaign_id = work.call(make_sms_campaign, provider.url, messages, HIGHEST_RATE)

        def with_worker() -> Timing:
            wipe_results(campaign_id)
            work.call(engine.start, campaign_id)
            settle()
            return work.call(send_campaign, campaign_id)

        pairs = bench.in_turns(
            with_worker, lambda: work.call(send_again, campaign_id, provider.ledger, messages)
        )
    lost = sum(timing.count for timing in pairs.against) - sum(t.count for t in pairs.measured)
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit="messages/s",
        against=f"the HTTP client alone, {pairs.rate_against:,.0f} requests/s",
        ratio=pairs.speed,
        bar=Bar(0.5),
        fault=f"{lost} were not sent" if lost else None,
    )


def send_campaign(campaign_id: int) -> Timing:
    """Send the campaign, which has started. Counts those who were sent to."""
    timing = timed(0, lambda: send_all(campaign_id))
    return replace(timing, count=count_states(campaign_id).sent)


def send_again(campaign_id: int, ledger: Path, count: int) -> Timing:
    """Make the last `count` requests that the simulator took again: the same client, as many at
    once, and nothing else."""
    inbox = db.session.get_one(Campaign, campaign_id).inbox
    account = account_of(inbox)
    db.session.rollback()
    with Ledger(ledger) as entries:
        taken = list(entries)[-count:]
    recorder = _Recorder(provider_policy(1))
    for one in taken:
        message = OutgoingMessage(one.delivery_id, one.to, one.text)
        with suppress(Outcome):
            asyncio.run(TwilioSmsChannel().send(recorder, account, message))
    policy = provider_policy(current_app.config["PROVIDER_CONCURRENCY"])
    return send_prepared(recorder.requests, policy)


class _Recorder(HttpClient):
    """Makes no request, and keeps what it was asked to make."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.requests: list[Request] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """See the base class."""
        self.requests.append(Request(url, body, headers))
        return Answer(0, b"", 0, None)
