"""The routes of claims."""

from django.urls import path

from claims import verdict_views, views

urlpatterns = [
    path("claims/", views.Claims.as_view(), name="claim-list"),
    path("claims/corpora/", views.Corpora.as_view(), name="claim-corpora"),
    path("claims/reverify", views.ReverifyClaims.as_view(), name="claim-reverify"),
    path("claims/<uuid:claim_id>", views.ClaimDetail.as_view(), name="claim-detail"),
    path("claims/<uuid:claim_id>/verify", views.VerifyClaim.as_view(), name="claim-verify"),
    path("claims/<uuid:claim_id>/verdicts", verdict_views.ClaimVerdicts.as_view(), name="claim-verdicts"),
    path("verdicts/<uuid:claim_id>", verdict_views.VerdictDetail.as_view(), name="verdict"),
    path("verdicts/<uuid:claim_id>/claimreview", verdict_views.ClaimReview.as_view(), name="claim-review"),
]
