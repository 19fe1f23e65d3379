"""The routes of recordings."""

urlpatterns: list = []
