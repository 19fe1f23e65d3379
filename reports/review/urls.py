from django.urls import path

from reports.review import views

urlpatterns = [
    path("reports/review/", views.Reviews.as_view(), name="report-review-list"),
    path("reports/review/next", views.ReviewNext.as_view(), name="report-review-next"),
    path("reports/review/reasons", views.ReviewReasons.as_view(), name="report-review-reasons"),
    path("reports/review/<int:item_id>", views.ReviewDetail.as_view(), name="report-review-detail"),
    path("reports/review/<int:item_id>/claim", views.ReviewClaim.as_view(), name="report-review-claim"),
    path("reports/review/<int:item_id>/release", views.ReviewRelease.as_view(), name="report-review-release"),
    path("reports/review/<int:item_id>/accept", views.ReviewAccept.as_view(), name="report-review-accept"),
    path("reports/review/<int:item_id>/correct", views.ReviewCorrect.as_view(), name="report-review-correct"),
    path("reports/review/<int:item_id>/reject", views.ReviewReject.as_view(), name="report-review-reject"),
    path("reports/review/<int:item_id>/merge", views.ReviewMerge.as_view(), name="report-review-merge"),
]
