"""Whether an inbox sends at the rate it is allowed, no faster and no slower, by the simulator's
own clock and ledger."""

from campaigns_app.operations.bench import engine
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.provider import make_sms_campaign, open_provider, send_all
from campaigns_app.operations.simulator.ledger import Ledger

NAME = "rate_accuracy"
WORKERS = 2


def measure(bench: Bench) -> BenchRow:
    """More workers than the rate needs share an inbox. The ratio says how far apart the rates are,
    in either direction."""
    allowed, seconds = bench.pick((100, 20), (100, 3), (20, 1))
    messages = allowed * seconds + 1
    with open_provider(bench, BATCH_SIZE=allowed // WORKERS) as provider:
        work = provider.processes
        campaign_id = work.call(make_sms_campaign, provider.url, messages, allowed)
        work.call(engine.start, campaign_id)
        work.call_together(WORKERS, send_all, campaign_id)
        with Ledger(provider.ledger) as entries:
            taken = sorted(entry.at for entry in entries)
    lost = messages - len(taken)
    seen = (len(taken) - 1) / (taken[-1] - taken[0])
    return BenchRow(
        name=NAME,
        value=seen,
        unit=f"messages/s seen, {WORKERS} workers",
        against=f"{allowed} messages/s allowed",
        ratio=max(seen / allowed, allowed / seen),
        bar=Bar(1.02, is_ceiling=True),
        fault=f"{lost} were not sent" if lost else None,
    )
