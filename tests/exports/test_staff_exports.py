"""What staff export of others from the admin: into a chat of theirs, for them alone, put down in the log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from agents_app import admission, gateway, runner
from agents_app.models import Subagent
from exports_app import requesting
from exports_app.models import Export
from exports_app.selection import CHATS_AT_MOST
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work
from tests.exports.test_archives import chat, index_of

LIST = "/admin/sessions_app/chatsession/"
PAGE = f"{LIST}export/"
EXPORTS = "/admin/exports_app/export/"
HOW = {"format": "markdown", "include_metadata": "on", "include_tools": "on"}
HOW |= {"page_size": "a4", "theme": "light"}
Files = Callable[[], list[Path]]


@pytest.fixture
def olga(db: None) -> Any:
    """Staff who may view chats and exports, and nothing else."""
    user = get_user_model().objects.create_user("olga", is_staff=True)
    names = ("view_chatsession", "view_export")
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return get_user_model().objects.get(pk=user.pk)


@pytest.fixture
def admin(olga: Any, client: Client) -> Client:
    """Olga's browser."""
    client.force_login(olga)
    return client


def ask(admin: Client, *chats: ChatSession, **how: str) -> HttpResponse:
    """Send the page that asks how."""
    ids = " ".join(str(one.pk) for one in chats)
    answer: Any = admin.post(PAGE, {"session_ids": ids, **HOW, **how})
    return answer


def run() -> Any:
    """Do the one export that is queued, and return it."""
    subagent = Subagent.objects.get(finished_at=None)
    work.worker()
    admission.admit("exports")
    runner.run(subagent.pk, 1)
    return Export.objects.select_related("subagent").get(subagent=subagent)


@pytest.mark.usefixtures("registered")
def test_a_chat_of_anothers_is_exported_into_a_chat_of_the_staffs(
    admin: Client, olga: Any, session: ChatSession, say: Callable[..., None], files: Files
) -> None:
    say("a secret plan")
    lifecycle.rename(session.pk, "Ann's plans")
    session.refresh_from_db()
    answer = ask(admin, session)
    shown_in = ChatSession.objects.get(owner=olga)
    assert (answer.status_code, answer["Location"]) == (302, f"/sessions/{shown_in.pk}/")
    assert shown_in.title == "Export of Ann's plans"
    export = run()
    assert export.subagent.state == "succeeded", export.subagent.error
    assert export.file_name.startswith("Ann-s-plans-")
    assert "a secret plan" in files()[0].read_text()
    before = session.last_seq
    session.refresh_from_db()
    assert session.last_seq == before
    assert not Subagent.objects.filter(session=session).exists()
    assert [message.content for message in session.messages.all()] == ["a secret plan"]


@pytest.mark.usefixtures("registered")
def test_many_are_one_archive(admin: Client, olga: Any, ann: Any, bob: Any, files: Files) -> None:
    ask(admin, chat(ann, "Ann's", "x"), chat(bob, "Bob's", "y"), chat(olga, "Mine", "z"))
    shown_in = ChatSession.objects.filter(owner=olga).latest("created_at")
    assert shown_in.title == "Export of 3 chats"
    export = run()
    assert export.subagent.result["summary"].startswith("3 chats, 3 messages")
    index = index_of(files()[0])
    assert {(entry["owner"], entry["title"]) for entry in index["chats"]} == {
        ("ann", "Ann's"), ("bob", "Bob's"), ("olga", "Mine"),
    }  # fmt: skip
    with ZipFile(files()[0]) as archive:
        assert len(archive.namelist()) == 4


def test_each_exported_chat_is_put_down_in_the_log(
    admin: Client, olga: Any, session: ChatSession, bob: Any
) -> None:
    other = chat(bob, "Bob's", "x")
    ask(admin, session, other)
    rows = LogEntry.objects.filter(user=olga)
    assert {row.object_id for row in rows} == {str(session.pk), str(other.pk)}
    assert all("Exported as markdown" in row.get_change_message() for row in rows)
    assert "Exported as markdown" in admin.get(f"{LIST}{session.pk}/history/").content.decode()


def test_an_export_of_ones_own_is_not_put_down(session: ChatSession) -> None:
    gateway.request_export(session.pk, "json", {}, session_ids="all")
    assert not LogEntry.objects.exists()


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}, None])
def test_who_is_no_staff_any_more_when_it_runs_gets_nothing(
    admin: Client, olga: Any, session: ChatSession, bob: Any, files: Files, many: bool, change: Any
) -> None:
    ask(admin, session, *([chat(bob, "Bob's", "x")] if many else []))
    if change:
        get_user_model().objects.filter(pk=olga.pk).update(**change)
    else:
        olga.user_permissions.clear()
    export = run()
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "permission_denied")
    assert files() == []


@pytest.mark.usefixtures("registered")
def test_a_chat_that_was_deleted_meanwhile_fails_the_export_of_it(
    admin: Client, session: ChatSession, files: Files
) -> None:
    ask(admin, session)
    lifecycle.delete(session.pk)
    export = run()
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "session_gone")
    assert files() == []


@pytest.mark.usefixtures("registered")
@pytest.mark.django_db(transaction=True)
def test_the_file_is_for_the_staff_who_asked_and_while_they_are_staff(
    admin: Client, olga: Any, ann: Any, session: ChatSession, client_of: Callable[[Any], Any]
) -> None:
    ask(admin, session)
    export = run()
    address = f"/exports/{export.pk}/"
    assert client_of(olga).get(address).status_code == 200
    assert client_of(ann).get(address).status_code == 404
    root = get_user_model().objects.create_superuser("root")
    assert client_of(root).get(address).status_code == 404
    assert address not in _row(client_of(root))
    assert f'href="{address}" download' in _row(client_of(olga))
    get_user_model().objects.filter(pk=olga.pk).update(is_staff=False)
    refused = client_of(olga).get(address)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


def _row(browser: Any) -> str:
    page = str(browser.get(EXPORTS).content.decode())
    table = page[page.index('id="result_list"') :]
    return table[: table.index("</table>")]


@pytest.mark.usefixtures("registered")
def test_an_export_of_staffs_that_is_tried_again_is_put_down_again(
    admin: Client, session: ChatSession
) -> None:
    ask(admin, session)
    gateway.cancel(Subagent.objects.get().pk)
    gateway.retry(Subagent.objects.get().pk)
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("who", ["user", "staff without the permission", "nobody"])
def test_who_may_not_view_chats_may_not_export_them(
    client: Client, ann: Any, session: ChatSession, who: str
) -> None:
    if who != "nobody":
        staff = who.startswith("staff")
        client.force_login(get_user_model().objects.create_user("eve", is_staff=staff))
    assert client.get(f"{PAGE}?session_ids={session.pk}").status_code in (302, 403)
    assert ask(client, session).status_code in (302, 403)
    assert not Subagent.objects.exists()
    with pytest.raises(Refusal) as refusal:
        requesting.by_staff(ann, [session.pk], "json", {})
    assert refusal.value.code == "permission_denied"


def test_the_list_asks_how_with_the_owners(admin: Client, session: ChatSession, bob: Any) -> None:
    other = chat(bob, "Bob's", "x")
    gone = chat(bob, "Gone", "x")
    lifecycle.delete(gone.pk)
    chosen = [str(one.pk) for one in (session, other, gone)]
    page = admin.post(LIST, {"action": "export_chats", "_selected_action": chosen}).content.decode()
    assert "2 chats of" in page
    assert "<strong>ann</strong> (1)" in page
    assert "<strong>bob</strong> (1)" in page
    assert f'value="{other.pk} {session.pk}"' in page
    assert not Subagent.objects.exists()


def test_a_chats_own_page_leads_to_its_export(admin: Client, session: ChatSession) -> None:
    assert (
        f'href="{PAGE}?session_ids={session.pk}"' in admin.get(f"{LIST}{session.pk}/change/").content.decode()
    )
    page = admin.get(f"{PAGE}?session_ids={session.pk}").content.decode()
    assert "1 chat of" in page
    assert "<strong>ann</strong>." in page
    assert "this chat alone" in page
    assert 'name="first_message"' in page


def test_a_range_of_one_chat_can_be_chosen(
    admin: Client, session: ChatSession, say: Callable[..., None]
) -> None:
    say("one", "two", "three")
    ask(admin, session, first_message="2")
    assert Export.objects.get().options["first_message"] == 2
    page = ask(admin, session, first_message="9").content.decode()
    assert "The chat has 3 messages" in page
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("how", "told"),
    [({"format": "odt"}, "Select a valid choice"), ({"session_ids": "x"}, ""), ({"session_ids": ""}, "")],
)
def test_a_page_that_makes_no_sense_exports_nothing(
    admin: Client, session: ChatSession, how: dict[str, str], told: str
) -> None:
    answer: Any = ask(admin, session, **how)
    assert told in answer.content.decode()
    assert answer.get("Location", LIST) == LIST
    assert not Subagent.objects.exists()


def test_more_than_an_archive_has_are_refused_with_a_sentence(admin: Client, ann: Any) -> None:
    ChatSession.objects.bulk_create(ChatSession(owner=ann) for _ in range(CHATS_AT_MOST + 1))
    chosen = {"action": "export_chats", "_selected_action": [str(ChatSession.objects.latest("pk").pk)]}
    page = admin.post(LIST, {**chosen, "select_across": "1"}, follow=True).content.decode()
    assert "An archive has at most 1,000 chats: select fewer." in page


def test_the_same_page_sent_twice_exports_once_and_changed_it_exports_again(
    admin: Client, olga: Any, session: ChatSession
) -> None:
    page = {"page": str(uuid4())}
    first, second = (ask(admin, session, **page) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Subagent.objects.count() == 1
    assert LogEntry.objects.count() == 1
    assert ask(admin, session, **page, format="json")["Location"] != first["Location"]
    assert ChatSession.objects.filter(owner=olga).count() == 2


def test_chats_deleted_while_one_chooses_are_told_and_the_others_stay_chosen(
    admin: Client, session: ChatSession, bob: Any
) -> None:
    other, gone = chat(bob, "Bob's", "x"), chat(bob, "Gone", "x")
    lifecycle.delete(gone.pk)
    page = ask(admin, session, other, gone, theme="dark").content.decode()
    assert "Deleted meanwhile and left out: 1 chat." in page
    assert f'name="session_ids" value="{other.pk} {session.pk}"' in page
    assert '<option value="dark" selected>' in page
    assert not Subagent.objects.exists()
    lifecycle.delete(other.pk)
    lifecycle.delete(session.pk)
    assert ask(admin, session, other, gone)["Location"] == LIST


def test_exports_are_listed_with_owner_and_state_and_cancelled(admin: Client, session: ChatSession) -> None:
    subagent = gateway.request_export(session.pk, "json", {}, session_ids="all")
    row = _row(admin)
    for told in ("ann", "Queued", "Export of 1 chat as JSON"):
        assert told in row
    assert (
        "Export of" not in admin.get(f"{EXPORTS}?subagent__state=failed").content.decode().split("<table")[-1]
    )
    export = Export.objects.get()
    admin.post(EXPORTS, {"action": "cancel", "_selected_action": [str(export.pk)]})
    subagent.refresh_from_db()
    assert subagent.state == "cancelled"
    assert "Told to stop: 1 export." in admin.get(EXPORTS).content.decode()
    again = admin.post(EXPORTS, {"action": "cancel", "_selected_action": [str(export.pk)]}, follow=True)
    assert "None of them is under way." in again.content.decode()
    page = admin.get(f"{EXPORTS}{export.pk}/change/").content.decode()
    assert f"exports/{export.pk}" not in page.replace(f"exports_app/export/{export.pk}", "")
