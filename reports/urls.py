from django.urls import path

from reports.filing import views
from reports.review.urls import urlpatterns as review_routes

urlpatterns = [
    *review_routes,
    path("reports/", views.Reports.as_view(), name="report-list"),
    path("reports/mine", views.MyReports.as_view(), name="report-mine"),
    path("reports/nearby", views.NearbyReports.as_view(), name="report-nearby"),
    path("reports/categories", views.Categories.as_view(), name="report-categories"),
    path("reports/<int:report_id>", views.ReportDetail.as_view(), name="report-detail"),
    path("reports/<int:report_id>/history", views.ReportHistory.as_view(), name="report-history"),
]
