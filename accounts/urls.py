"""Addresses below /accounts/."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import preference_views, profile_views, reset_views, views
from accounts.reset_views import reset_page

app_name = "accounts"
urlpatterns = [
    path("register/", views.RegisterView.as_view(), name="register"),
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password-reset/", reset_page(reset_views.AskView.as_view()), name="password_reset"),
    path("password-reset/sent/", reset_page(reset_views.SentView.as_view()), name="password_reset_sent"),
    path("password-reset/new/", reset_page(reset_views.NewPasswordView.as_view()), name="password_reset_new"),
    path("password-reset/done/", reset_page(reset_views.DoneView.as_view()), name="password_reset_done"),
    path("password-reset/<str:token>/", reset_page(reset_views.NewPasswordView.as_view()), name="password_reset_link"),
    path("profile/", profile_views.show, name="profile"),
    path("profile/email/", profile_views.change_email, name="change_email"),
    path("profile/password/", profile_views.change_password, name="change_password"),
    path("profile/theme/", preference_views.set_theme, name="set_theme"),
    path("profile/sessions/end/", profile_views.end_session, name="end_session"),
    path("profile/sessions/end-others/", profile_views.end_other_sessions, name="end_other_sessions"),
]
