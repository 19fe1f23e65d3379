from django.urls import path

from accounts import views

urlpatterns = [
    path("auth/request-otp", views.RequestOtp.as_view(), name="request-otp"),
    path("auth/verify-otp", views.VerifyOtp.as_view(), name="verify-otp"),
    path("auth/refresh", views.Refresh.as_view(), name="refresh"),
    path("auth/logout", views.Logout.as_view(), name="logout"),
    path("users/me", views.Me.as_view(), name="me"),
]
