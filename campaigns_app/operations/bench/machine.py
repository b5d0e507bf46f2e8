"""What the numbers were measured on."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import text

from campaigns_app.extensions import db
from campaigns_app.operations.bench.case import Size
from campaigns_app.operations.bench.seeding import SEED

CPU = Path("/proc/cpuinfo")
LIBRARIES = ("campaigns", "sqlalchemy", "psycopg", "aiohttp", "python-liquid")


def describe_machine(size: Size) -> dict[str, Any]:
    """Hardware, versions, database, and what the contacts are drawn from."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_bytes() / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
        "database": _database(),
        "size": size.value,
        "seed": SEED,
    }


def _cpu_model() -> str:
    if CPU.exists():
        for line in CPU.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _database() -> str:
    if db.engine.dialect.name == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    number = db.session.scalar(text("SHOW server_version"))
    db.session.rollback()
    return f"PostgreSQL {number}"
