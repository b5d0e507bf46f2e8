"""What it costs the others that a consumer has stopped and a great many deliveries wait for it."""

from collections.abc import Mapping
from secrets import token_urlsafe

from campaigns_app.accounts.models import Account
from campaigns_app.accounts.service import create_administrator
from campaigns_app.extensions import db
from campaigns_app.operations.bench import backlog, sink
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.seeding import NOWHERE, make_due_campaign
from campaigns_app.operations.bench.slate import settle
from campaigns_app.operations.bench.visitor import Login
from campaigns_app.webhooks.events import WEBHOOK_TEST
from campaigns_app.webhooks.log import LOOKED_AT
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.signing import new_secret

NAME = "webhooks_backlog"
PATHS = (
    "/campaigns/",
    "/webhooks",
    "/webhooks/{}",
    "/webhooks/{}?state=failed",
    "/webhooks/{}?event=message_created",
)
Figures = Mapping[str, float]


def measure(bench: Bench) -> BenchRow:
    """Whatever suffers most, of a worker's memory and of everything that is asked: pages, claims,
    the sweep, metrics, a campaign."""
    # The few are as many as are ever looked through, so that all that is bounded is at its bound.
    many, few = bench.pick((1_000_000, LOOKED_AT), (30_000, LOOKED_AT), (30, 10))
    endpoint_id, login = _make_stopped_consumer()
    with sink.open_sink() as listener, bench.processes.doing(1, sink.swallow, listener):
        backlog.let_wait(db.session(), endpoint_id, few)
        usual = _measure_all(bench, endpoint_id, login, sink.url_of(listener))
        backlog.let_wait(db.session(), endpoint_id, many - few, first=few)
        slow = _measure_all(bench, endpoint_id, login, sink.url_of(listener))
    worst = max(slow, key=lambda name: slow[name] / usual[name])
    unit = "MiB" if worst == backlog.MEMORY else "ms"
    return BenchRow(
        name=NAME,
        value=slow[worst],
        unit=f"{unit}, {worst}, with {many:,} waiting",
        against=f"{usual[worst]:.1f} {unit} with {few:,}",
        ratio=slow[worst] / usual[worst],
        bar=Bar(2, is_ceiling=True),
    )


def _make_stopped_consumer() -> tuple[int, Login]:
    """The id of an endpoint, and who may look at its pages. Commits."""
    account = Account(name="Benchmark")
    db.session.add(account)
    db.session.flush()
    endpoint = WebhookEndpoint(
        account_id=account.id, url=NOWHERE, secret=new_secret(), subscriptions=[WEBHOOK_TEST]
    )
    db.session.add(endpoint)
    db.session.commit()
    login = Login("bench@example.com", token_urlsafe(12))
    endpoint_id = endpoint.id
    create_administrator(account, login.email, "Benchmark", login.password)
    db.session.rollback()
    return endpoint_id, login


def _measure_all(bench: Bench, endpoint_id: int, login: Login, healthy_url: str) -> Figures:
    """The least that each thing cost over the turns: what else the machine does only adds."""
    contacts, seconds = bench.pick((5_000, 2.0), (1_000, 0.4), (3, 0.0))
    paths = [path.format(endpoint_id) for path in PATHS]
    best: dict[str, float] = {}
    for _ in range(bench.pick(3, 1, 1)):
        campaign_id = make_due_campaign(db.session(), contacts, endpoint_url=healthy_url)
        settle()
        cost = dict(
            bench.processes.call(backlog.time_everything, campaign_id, login, paths, seconds)
        )
        cost[backlog.MEMORY] = bench.processes.call(backlog.deliver, endpoint_id)
        best = {name: min(taken, best.get(name, taken)) for name, taken in cost.items()}
    return best
