"""The texts of the pages, read from `translations/<language>/LC_MESSAGES/*.po`.

One file for each feature, all merged: translators edit small files, and there is no compiled
copy to forget. Keys are the product's own (`CAMPAIGN.API.HEADER_TITLE`), English is a translation.
"""

from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

import flask_babel
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

FOLDER = Path(__file__).parent / "translations"


@cache
def load_texts(language: str) -> NullTranslations:
    """Every text of `language`, with English behind it."""
    merged = Catalog(locale=language)
    for path in sorted((FOLDER / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale=language):
                if message.id:
                    merged[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    texts = Translations(compiled)
    if language != "en":
        texts.add_fallback(load_texts("en"))
    return texts


class Texts(flask_babel.Domain):
    """Flask-Babel's idea of a catalogue, reading ours."""

    def get_translations(self) -> NullTranslations:
        """The texts in the language of the present request."""
        return load_texts(str(flask_babel.get_locale() or "en"))


class Babel(flask_babel.Babel):
    """Flask-Babel with our catalogue in place of compiled files."""

    domain_instance = Texts()
