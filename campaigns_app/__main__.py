"""`python -m campaigns_app`: the same as `campaigns`."""

from campaigns_app.cli import main

main()
