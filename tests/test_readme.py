"""README says what is true."""

import re
from pathlib import Path

from campaigns_app.operations.settings_table import settings_table

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_its_table_of_settings_is_the_one_of_the_code() -> None:
    shown = re.search(r"<!-- settings -->(.*)<!-- /settings -->", README, re.DOTALL)

    assert shown is not None
    assert shown[1].strip() == settings_table()
