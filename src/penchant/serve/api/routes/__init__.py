"""The routes of the HTTP API, version 1."""
