from django.urls import path

from reports.duplicates import views

urlpatterns = [
    path("reports/<int:report_id>/duplicates", views.ReportDuplicates.as_view(), name="report-duplicates"),
    path("reports/<int:report_id>/duplicates/candidates", views.Candidates.as_view(), name="report-candidates"),
    path("reports/<int:report_id>/duplicates/reject", views.RejectDuplicate.as_view(), name="report-reject-duplicate"),
    path("reports/<int:report_id>/merge", views.MergeReport.as_view(), name="report-merge"),
    path("reports/<int:report_id>/unmerge", views.UnmergeReport.as_view(), name="report-unmerge"),
]
