"""Postgres: tables, and every statement the system can issue, one file a noun."""
