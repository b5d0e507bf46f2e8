"""Accounts, the people who belong to them, how they log in, and what they did."""
