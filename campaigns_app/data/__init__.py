"""Files that come with the package."""

from pathlib import Path

FOLDER = Path(__file__).parent
SAMPLE_CONTACTS = "sample-contacts.csv"
"""2,000 people who do not exist: every address is under example.com, .org or .net, every phone
number in a range reserved for fiction."""
