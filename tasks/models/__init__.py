"""The rows that are the truth about background work. RQ only rings the bell."""

from tasks.models.control import Control
from tasks.models.schedule import PeriodicRun, Schedule
from tasks.models.tally import Tally
from tasks.models.task import LIVE, TERMINAL, Attempt, Status, Task
from tasks.models.webhook import Delivery, DeliveryAttempt, Webhook

__all__ = [
    "LIVE",
    "TERMINAL",
    "Attempt",
    "Control",
    "Delivery",
    "DeliveryAttempt",
    "PeriodicRun",
    "Schedule",
    "Status",
    "Tally",
    "Task",
    "Webhook",
]
