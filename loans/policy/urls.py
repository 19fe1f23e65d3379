from django.urls import path

from loans.policy import views

urlpatterns = [
    path("loans/policies/", views.Policies.as_view(), name="lending-policies"),
    path("loans/policies/<str:version>", views.PolicyDetail.as_view(), name="lending-policy"),
    path("loans/policies/<str:version>/try", views.TryPolicy.as_view(), name="lending-policy-try"),
    path("loans/policies/<str:version>/approve", views.ApprovePolicy.as_view(), name="lending-policy-approve"),
    path("loans/policies/<str:version>/activate", views.ActivatePolicy.as_view(), name="lending-policy-activate"),
    path("loans/policies/<str:version>/retire", views.RetirePolicy.as_view(), name="lending-policy-retire"),
    path("loans/policies/<str:version>/challenge", views.StartChallenger.as_view(), name="lending-policy-challenge"),
    path("loans/policies/<str:version>/stop-challenge", views.StopChallenger.as_view(), name="lending-policy-stop"),
]
