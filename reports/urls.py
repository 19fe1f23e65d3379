from django.urls import path

from reports.duplicates.urls import urlpatterns as duplicate_routes
from reports.filing import photo_views, views, voice_views
from reports.review.urls import urlpatterns as review_routes

urlpatterns = [
    path("reports/", views.Reports.as_view(), name="report-list"),
    *duplicate_routes,
    *review_routes,
    path("reports/mine", views.MyReports.as_view(), name="report-mine"),
    path("reports/nearby", views.NearbyReports.as_view(), name="report-nearby"),
    path("reports/categories", views.Categories.as_view(), name="report-categories"),
    path("reports/<int:report_id>", views.ReportDetail.as_view(), name="report-detail"),
    path("reports/<int:report_id>/history", views.ReportHistory.as_view(), name="report-history"),
    path("reports/<int:report_id>/photos", photo_views.ReportPhotos.as_view(), name="report-photos"),
    path("reports/<int:report_id>/photos/<uuid:photo_id>", photo_views.ReportPhoto.as_view(), name="report-photo"),
    path("reports/<int:report_id>/confirm", voice_views.ReportConfirmation.as_view(), name="report-confirm"),
    path("reports/<int:report_id>/comments", voice_views.ReportComments.as_view(), name="report-comments"),
    path(
        "reports/<int:report_id>/comments/<int:comment_id>", voice_views.ReportComment.as_view(), name="report-comment"
    ),
]
