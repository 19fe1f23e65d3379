"""The routes of claims."""

urlpatterns: list = []
