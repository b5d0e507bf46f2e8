"""What the template of every page can use: texts, times, the sidebar, the person."""

from flask import Flask

from campaigns_app.accounts.access import find_member
from campaigns_app.accounts.locale import (
    choose_locale,
    choose_time_zone,
    full_time,
    iso_time,
    page_language,
    short_time,
)
from campaigns_app.accounts.navigation import visible_sections
from campaigns_app.extensions import babel


def init_app(app: Flask) -> None:
    """Give the templates their functions and filters."""
    babel.init_app(app, locale_selector=choose_locale, timezone_selector=choose_time_zone)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        member=find_member, page_language=page_language, sections=visible_sections
    )
    app.jinja_env.filters.update(full_time=full_time, iso_time=iso_time, short_time=short_time)
