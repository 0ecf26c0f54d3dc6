"""The steps by which the tables of a log came to be what they are; Alembic runs them."""
