from django.urls import path

from loans import views
from loans.policy.urls import urlpatterns as policy_routes

urlpatterns = [
    *policy_routes,
    path("loans/request", views.RequestLoan.as_view(), name="loan-request"),
    path("loans/", views.LoanRequests.as_view(), name="loan-list"),
    path("loans/<uuid:request_id>", views.LoanRequestDetail.as_view(), name="loan-detail"),
    path("background-tasks/<uuid:borrower_id>", views.BorrowerTasks.as_view(), name="borrower-tasks"),
]
