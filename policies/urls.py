from django.urls import path

from policies import views

urlpatterns = [
    path("quotes/", views.Quotes.as_view(), name="quote-list"),
    path("quotes/<int:pk>", views.QuoteDetail.as_view(), name="quote-detail"),
    path("policies/", views.Policies.as_view(), name="policy-list"),
    path("policies/<int:pk>", views.PolicyDetail.as_view(), name="policy-detail"),
    path("payment-transactions/", views.PaymentTransactions.as_view(), name="payment-list"),
    path("payment-transactions/<int:pk>", views.PaymentTransactionDetail.as_view(), name="payment-detail"),
]
