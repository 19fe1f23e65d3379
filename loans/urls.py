from django.urls import path

from loans import views
from loans.notices.views import LoanNotice
from loans.policy.urls import urlpatterns as policy_routes
from loans.repayment.views import LoanGrant, LoanPayments
from loans.review import views as review

urlpatterns = [
    *policy_routes,
    path("loans/request", views.RequestLoan.as_view(), name="loan-request"),
    path("loans/", views.LoanRequests.as_view(), name="loan-list"),
    path("loans/<uuid:request_id>", views.LoanRequestDetail.as_view(), name="loan-detail"),
    path("loans/<uuid:request_id>/notice", LoanNotice.as_view(), name="loan-notice"),
    path("loans/<uuid:request_id>/grant", LoanGrant.as_view(), name="loan-grant"),
    path("loans/<uuid:request_id>/payments", LoanPayments.as_view(), name="loan-payments"),
    path("loans/reviews/", review.Reviews.as_view(), name="review-list"),
    path("loans/reviews/reasons", review.ReviewReasons.as_view(), name="review-reasons"),
    path("loans/reviews/<int:item_id>/claim", review.ReviewClaim.as_view(), name="review-claim"),
    path("loans/reviews/<int:item_id>/release", review.ReviewRelease.as_view(), name="review-release"),
    path("loans/reviews/<int:item_id>/decide", review.ReviewDecide.as_view(), name="review-decide"),
    path("background-tasks/<uuid:borrower_id>", views.BorrowerTasks.as_view(), name="borrower-tasks"),
]
