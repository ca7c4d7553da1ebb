"""Login, one-time links and the account page."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login as log_in
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mcpchat_project.accounts import api_tokens, login_links
from mcpchat_project.accounts.forms import LoginForm, NameForm

LINK_BACKEND = "django.contrib.auth.backends.ModelBackend"


class Login(LoginView):
    """Django's login with a limit on attempts."""

    form_class = LoginForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, and log in when it is pressed: fetching a preview of the link must not use it up."""
    if request.method != "POST":
        usable = login_links.is_usable(token)
        return render(request, "accounts/login_link.html", {"usable": usable}, status=200 if usable else 410)
    user = login_links.use_link(token)
    if user is None:
        return render(request, "accounts/login_link.html", {"usable": False}, status=410)
    log_in(request, user, backend=LINK_BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show what somebody can change about the own account."""
    return _page(request)


@login_required
@require_POST
def change_name(request: HttpRequest) -> HttpResponse:
    """Take another first and last name."""
    form = NameForm(request.POST, instance=_user(request))
    if not form.is_valid():
        return _page(request, name_form=form, status=400)
    form.save()
    return redirect("account")


@sensitive_post_parameters()
@login_required
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """Set a password; the old one is asked for where there is one. Other logins of the user end."""
    form = _password_form(_user(request), request.POST)
    if not form.is_valid():
        return _page(request, password_form=form, status=400)
    update_session_auth_hash(request, form.save())
    return redirect("account")


@never_cache
@login_required
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once."""
    try:
        token = api_tokens.create_token(_user(request))
    except api_tokens.TooManyTokens as error:
        return _page(request, token_error=str(error), status=409)
    return _page(request, new_token=token, status=201)


@login_required
@require_POST
def delete_token(request: HttpRequest) -> HttpResponse:
    """Make one of the own tokens useless."""
    api_tokens.delete_token(_user(request), request.POST.get("key", ""))
    return redirect("account")


def _page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    # A form that was refused changed its user object; the page shows what is stored.
    user = User.objects.get(pk=_user(request).pk)
    shown = {
        "name_form": NameForm(instance=user),
        "password_form": _password_form(user),
        "has_password": user.has_usable_password(),
        "tokens": api_tokens.list_tokens(user),
    }
    return render(request, "accounts/account.html", shown | context, status=status)


def _password_form(user: User, data: Any = None) -> SetPasswordForm:
    return PasswordChangeForm(user, data) if user.has_usable_password() else SetPasswordForm(user, data)


def _user(request: HttpRequest) -> User:
    """Return the logged-in user; `login_required` sees to it that there is one."""
    if not isinstance(request.user, User):
        raise TypeError("This view needs a logged-in user.")
    return request.user
