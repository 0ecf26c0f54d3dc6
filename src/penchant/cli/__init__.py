"""The command line: `penchant`, each command in a file of its own."""

from penchant.cli.app import main

__all__ = ["main"]
