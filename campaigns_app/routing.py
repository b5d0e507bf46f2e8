"""Numbers in addresses, bounded so that no database is asked for one it does not know.

A number that is too long is no such page (404); Python refuses to read one of thousands of digits,
and PostgreSQL one of more bits than the column has.
"""

from flask import Flask
from werkzeug.routing import IntegerConverter


class RowId(IntegerConverter):
    """`<int:…>`: the id of a row, which has 64 bits."""

    regex = r"[0-9]{1,18}"


class DisplayId(IntegerConverter):
    """`<display_id:…>`: a number within an account, which has 32 bits."""

    regex = r"[0-9]{1,9}"


def init_app(app: Flask) -> None:
    """Make the converters known; addresses registered before do not have them."""
    app.url_map.converters.update(int=RowId, display_id=DisplayId)
