"""Fixtures that all tests share."""

from harness.pytest_fixtures import run_scenario

__all__ = ["run_scenario"]
