"""JSON logs, one object a line, with the correlation id of the request or task they belong to."""

import logging.config
from typing import Any

import structlog

from base.context import add_to_log


def logging_config(level: str) -> dict[str, Any]:
    shared = [
        structlog.contextvars.merge_contextvars,
        add_to_log,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processor": structlog.processors.JSONRenderer(),
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},  # 4xx are the client's affair
            "axes": {"level": "WARNING"},
            "rq": {"level": "WARNING"},
        },
        "millrace_processors": shared,
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook: standard library loggers and structlog end in the same formatter."""
    config = dict(config)
    shared = config.pop("millrace_processors")
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
