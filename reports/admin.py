"""Django finds the console's pages of all rooms here."""

from reports.classification.admin import ClassificationAdmin, CorrectionAdmin
from reports.duplicates.admin import DuplicateLinkAdmin
from reports.filing.admin import ReportAdmin
from reports.offices.admin import CategoryAdmin, DepartmentAdmin
from reports.open311.admin import AttributeAdmin, SubmissionAdmin
from reports.review.admin import ReviewItemAdmin

__all__ = [
    "AttributeAdmin",
    "CategoryAdmin",
    "ClassificationAdmin",
    "CorrectionAdmin",
    "DepartmentAdmin",
    "DuplicateLinkAdmin",
    "ReportAdmin",
    "ReviewItemAdmin",
    "SubmissionAdmin",
]
