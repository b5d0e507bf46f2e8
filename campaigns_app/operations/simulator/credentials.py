"""Whom the simulator knows: one account with each provider. They open nothing else."""

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
API_KEY_SID = "SK" + "0123456789abcdef" * 2
MESSAGING_SERVICE_SID = "MG" + "0123456789abcdef" * 2
BANDWIDTH_ACCOUNT_ID = "9900000"
BANDWIDTH_APPLICATION_ID = "93de2206-9669-4e07-948d-329f4b722ee2"
BANDWIDTH_API_KEY = "simulator"
CALLBACK_USER = "simulator"
PHONE_NUMBER_ID = "106540352242922"
BUSINESS_ACCOUNT_ID = "102290129340398"
BOT_TOKEN = "110201543:simulator-simulator-simulator-si"  # noqa: S105
SENDER = "+15005550006"
SECRET = "simulator-secret"  # noqa: S105
"""Every token, password and signing secret that is not named above."""
