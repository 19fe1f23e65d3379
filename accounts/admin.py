"""The console's pages, for Django's autodiscovery."""

from accounts.console import logins, messages, people

__all__ = ["logins", "messages", "people"]
