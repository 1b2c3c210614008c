"""What waits for an officer, as a workbook and back."""

from __future__ import annotations

import argparse


def add_arguments(_name: str, parser: argparse.ArgumentParser) -> None:
    """The options of inbox."""


def run(options: argparse.Namespace) -> int:
    """Print; returns the exit code."""
    raise NotImplementedError(options.action)
