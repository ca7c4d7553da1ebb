from django.contrib.auth.views import LogoutView
from django.urls import path

from mcpchat_project.accounts import views

urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("login/link/<str:token>/", views.login_link, name="login-link"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.account, name="account"),
    path("account/name/", views.change_name, name="account-name"),
    path("account/password/", views.change_password, name="account-password"),
    path("account/tokens/", views.create_token, name="account-token-create"),
    path("account/tokens/delete/", views.delete_token, name="account-token-delete"),
]
