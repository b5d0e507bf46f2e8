"""What the two databases, SQLite and PostgreSQL, need from us; knows nothing of the features."""
