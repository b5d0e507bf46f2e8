"""How soon a provider that calls is answered."""

import statistics
from dataclasses import replace

from cryptography.fernet import Fernet

from campaigns_app.operations.bench.callbacks import (
    call,
    make_called_inboxes,
    make_receipts,
    serve_app,
    serve_row,
)
from campaigns_app.operations.bench.case import Bench, BenchRow
from campaigns_app.operations.bench.measuring import Timing
from campaigns_app.operations.bench.provider import HOST
from campaigns_app.operations.web import open_socket

NAME = "callbacks_vs_row"


def measure(bench: Bench) -> BenchRow:
    """Receipts of the three formats, signed, one after another, while nobody works on what is kept;
    against requests of which the same server keeps a row, and no more."""
    count = bench.pick(900, 150, 3)
    with open_socket(HOST, 0) as ours, open_socket(HOST, 0) as bare:
        here, there = (f"http://{HOST}:{one.getsockname()[1]}" for one in (ours, bare))
        keys = {"PUBLIC_URL": here, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        work = replace(bench.processes, environ={**bench.processes.environ, **keys})
        addresses = work.call(make_called_inboxes)
        times: list[float] = []

        def told() -> Timing:
            answers = call(make_receipts(addresses, count))
            times.extend(answers.milliseconds)
            return answers.timing

        def kept() -> Timing:
            moved = {name: url.replace(here, there) for name, url in addresses.items()}
            return call(make_receipts(moved, count)).timing

        with work.doing(1, serve_app, ours), work.doing(1, serve_row, bare):
            call(make_receipts(addresses, len(addresses)))
            pairs = bench.in_turns(told, kept)
    p95 = statistics.quantiles(times, n=20)[-1]
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit=f"callbacks/s, one by one; {statistics.median(times):.1f} ms each, p95 {p95:.1f} ms",
        against=f"a row kept by the same server, {pairs.rate_against:,.0f} a second",
        ratio=pairs.speed,
        bar=None,
    )
