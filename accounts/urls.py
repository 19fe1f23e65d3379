from django.urls import path

from accounts import locks, me, views

urlpatterns = [
    path("auth/request-otp", views.RequestOtp.as_view(), name="request-otp"),
    path("auth/verify-otp", views.VerifyOtp.as_view(), name="verify-otp"),
    path("auth/refresh", views.Refresh.as_view(), name="refresh"),
    path("auth/logout", views.Logout.as_view(), name="logout"),
    path("users/me", me.Me.as_view(), name="me"),
    path("users/me/verification/email/send", me.SendVerification.as_view(), name="send-verification"),
    path("users/me/verification/email/confirm", me.ConfirmEmail.as_view(), name="confirm-email"),
    path("users/me/sessions", me.Sessions.as_view(), name="my-sessions"),
    path("users/me/sessions/revoke-others", me.RevokeOthers.as_view(), name="revoke-my-other-sessions"),
    path("users/me/sessions/<uuid:session_id>", me.OneSession.as_view(), name="my-session"),
    path("users/<int:user_id>/lock", locks.Lock.as_view(), name="lock-user"),
    path("users/<int:user_id>/unlock", locks.Unlock.as_view(), name="unlock-user"),
]
