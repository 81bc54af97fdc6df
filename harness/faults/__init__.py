"""Faults: failures and delays of the messages between an application and its providers."""
