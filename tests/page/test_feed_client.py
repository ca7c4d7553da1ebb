"""The page's feed: nothing lost, nothing twice, and patient with whatever ends a connection."""

import pytest
from playwright.sync_api import Page

from tests.page.feed_client import FeedClient


def _event(seq: int) -> dict[str, object]:
    return {"seq": seq, "kind": "message.added", "payload": {}}


DELTA = {"kind": "message.delta", "payload": {}}
PONG = {"kind": "feed.pong", "payload": {}}


@pytest.fixture
def client(page: Page) -> FeedClient:
    """A feed that stands at event 5 and is live."""
    client = FeedClient(page, 5)
    client.ready(5)
    return client


def test_it_begins_behind_the_snapshot(client: FeedClient) -> None:
    assert client.connections[-1] == "5"
    assert client.state["name"] == "live"


def test_events_come_once_and_in_order(client: FeedClient) -> None:
    client.send(_event(4), _event(5), _event(6), DELTA, _event(6), _event(7))
    client.send(_event(7), _event(8))
    assert client.events == [6, "message.delta", 7, 8]


def test_after_a_cut_it_goes_on_where_it_was(client: FeedClient) -> None:
    client.send(_event(6))
    client.close(1006)
    client.passes(250)
    assert client.connections[-1] == "6"
    client.send(_event(6), _event(7))
    client.ready(7)
    assert client.events == [6, 7]
    assert client.state["regained"]


def test_what_is_missing_is_loaded_with_the_snapshot(client: FeedClient) -> None:
    loads = client.loads
    client.snapshot_is_at(8)
    client.send(_event(6), _event(8), _event(9))
    client.passes(0)
    assert client.events == [6]
    assert client.loads == loads + 1
    assert client.connections[-1] == "8"


def test_a_reset_loads_the_snapshot(client: FeedClient) -> None:
    loads = client.loads
    client.snapshot_is_at(30)
    client.send({"kind": "feed.reset", "payload": {"last_seq": 29}}, _event(6))
    client.passes(0)
    assert client.events == []
    assert client.loads == loads + 1
    assert client.connections[-1] == "30"


def test_a_socket_that_was_given_up_says_nothing_any_more(client: FeedClient) -> None:
    client.page.evaluate("window.old = sockets.at(-1)")
    client.close(1006)
    client.page.evaluate("""old.onmessage({ data: JSON.stringify([{ seq: 6, kind: "message.added" }]) })""")
    assert client.events == []


def _next_wait(client: FeedClient, code: int = 1006) -> float:
    client.close(code)
    wait = float(client.state["wait"])
    connections = len(client.connections)
    client.passes(max(wait - 1, 0))
    assert len(client.connections) == connections
    client.passes(2)
    assert len(client.connections) == connections + 1
    return wait


def test_each_wait_is_twice_the_one_before_up_to_fifteen_seconds(client: FeedClient) -> None:
    waits = [_next_wait(client) for _ in range(8)]
    assert waits == [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]


def test_waits_differ_between_pages(client: FeedClient) -> None:
    client.page.evaluate("Math.random = () => 0")
    assert [_next_wait(client) for _ in range(3)] == [125, 250, 500]


def test_a_server_that_takes_and_drops_is_not_hammered(client: FeedClient) -> None:
    waits = []
    for _ in range(4):
        waits.append(_next_wait(client))
        client.ready(5)
        client.passes(500)
    assert waits == [250, 500, 1000, 2000]


def test_after_a_connection_that_held_the_first_wait_is_short_again(client: FeedClient) -> None:
    assert [_next_wait(client) for _ in range(3)][-1] == 1000
    client.ready(5)
    client.passes(3000)
    assert _next_wait(client) == 250


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 1012, 1013])
def test_it_comes_back_after(client: FeedClient, code: int) -> None:
    client.close(code)
    assert (client.state["name"], client.state["wait"]) == ("reconnecting", 250)


@pytest.mark.parametrize(("code", "needs_login"), [(4401, True), (4403, None), (4404, None)])
def test_a_refusal_is_final_and_says_why(client: FeedClient, code: int, needs_login: bool | None) -> None:
    connections = len(client.connections)
    client.close(code)
    assert client.state["name"] == "closed"
    assert client.state["problem"]["message"]
    assert client.state["problem"].get("needsLogin") == needs_login
    client.passes(120_000)
    client.happens("online")
    assert len(client.connections) == connections


def test_a_place_that_the_server_does_not_know_is_asked_for_once(client: FeedClient) -> None:
    client.snapshot_is_at(3)
    client.close(4400)
    client.passes(0)
    assert client.connections[-1] == "3"
    client.close(4400)
    assert (client.state["name"], client.state["problem"]["canRetry"]) == ("closed", True)
    client.snapshot_is_at(4)
    client.page.evaluate("feed.retry()")
    assert client.connections[-1] == "4"
    client.ready(4)
    assert client.state["name"] == "live"


def test_who_read_too_slowly_is_back_at_once(client: FeedClient) -> None:
    connections = len(client.connections)
    client.send(_event(6))
    client.close(4408)
    client.passes(0)
    assert client.connections[connections:] == ["6"]


def test_with_too_many_tabs_it_comes_back_slowly(client: FeedClient) -> None:
    client.page.evaluate("Math.random = () => 0")
    assert [_next_wait(client, 4429) for _ in range(3)] == [10_000, 20_000, 30_000]
    assert client.state["name"] == "busy"
    client.ready(5)
    assert client.state["name"] == "live"
    client.close(1006)
    assert client.state["name"] == "reconnecting"


def test_without_a_network_it_says_so_and_is_back_with_it_at_once(client: FeedClient) -> None:
    client.network(here=False)
    client.close(1006)
    assert client.state["name"] == "offline"
    client.passes(60_000)
    client.close(1006)
    connections = len(client.connections)
    client.network(here=True)
    assert len(client.connections) == connections + 1
    assert client.state["name"] == "reconnecting"


def test_a_network_that_goes_while_it_waits_is_told(client: FeedClient) -> None:
    client.close(1006)
    client.network(here=False)
    assert client.state["name"] == "offline"


@pytest.mark.parametrize(("kind", "target"), [("visibilitychange", "document"), ("online", "window")])
def test_after_sleep_a_dead_connection_is_found_within_three_seconds(
    client: FeedClient, kind: str, target: str
) -> None:
    client.happens(kind, target)
    assert client.pings == 1
    client.passes(2900)
    assert client.state["name"] == "live"
    client.passes(200)
    assert client.state["name"] == "reconnecting"


def test_after_sleep_a_connection_that_answers_stays(client: FeedClient) -> None:
    client.happens("visibilitychange", "document")
    client.send(PONG)
    client.passes(4000)
    assert client.state["name"] == "live"


def test_a_silent_connection_is_given_up(client: FeedClient) -> None:
    client.passes(20_000)
    assert client.pings == 1
    client.send(PONG)
    client.passes(29_000)
    assert client.state["name"] == "live"
    client.passes(1100)
    assert client.state["name"] == "reconnecting"


def test_a_server_that_never_greets_is_given_up(page: Page) -> None:
    client = FeedClient(page)
    client.passes(10_100)
    assert client.state["name"] == "reconnecting"


def test_the_reader_need_not_wait(client: FeedClient) -> None:
    for _ in range(6):
        _next_wait(client)
    client.close(1006)
    connections = len(client.connections)
    client.page.evaluate("feed.retry()")
    assert len(client.connections) == connections + 1
    client.ready(5)
    client.passes(16_000)
    assert len(client.connections) == connections + 1


def test_a_snapshot_that_fails_for_a_while_is_asked_for_again(client: FeedClient) -> None:
    client.snapshot_fails("The server answered 500.", 500)
    client.send({"kind": "feed.reset", "payload": {"last_seq": 9}})
    client.passes(0)
    assert (client.state["name"], client.state["message"]) == ("reconnecting", "The server answered 500.")
    client.snapshot_is_at(9)
    client.passes(500)
    assert client.connections[-1] == "9"


def test_a_snapshot_that_is_refused_ends_it(client: FeedClient) -> None:
    client.snapshot_fails("No such session.", 404)
    client.send({"kind": "feed.reset", "payload": {"last_seq": 9}})
    client.passes(0)
    assert (client.state["name"], client.state["problem"]["message"]) == ("closed", "No such session.")


def test_a_closed_feed_is_silent(client: FeedClient) -> None:
    states = client.page.evaluate("feed.close(); states.length")
    client.page.evaluate("sockets.at(-1).onclose({ code: 1006 })")
    client.passes(60_000)
    assert client.page.evaluate("states.length") == states
