"""What a publication costs its caller: `events.announce` as a worker tells progress, a bare PUBLISH through
redis-py of a text that was encoded beforehand, the same without waiting for the answer, and `group_send` of
channels_redis from a worker's synchronous code. A process of its own counts what arrives of each."""

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import redis
from asgiref.sync import async_to_sync
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.utils import timezone

from benchmarks.fanout.layer import group, hosts
from benchmarks.listener import Listener
from benchmarks.report import figure, median, ratios
from benchmarks.stage import a_session
from sessions_app import events

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
CALLS = {"ours": 3000, "bare": 3000, "unanswered": 3000, "group_send": 300}
WARM_UP_CALLS = 100
PAYLOAD = {
    "subagent_id": str(uuid.uuid4()),
    "attempt": 1,
    "progress": 42.0,
    "stage": "scanning_dependencies",
    "estimated_seconds_left": 12.5,
}


class Way:
    """A way to publish: what to call, and the channel on which it arrives."""

    def __init__(self, publish: Callable[[], object], channel: str) -> None:
        self.channel = channel
        self.calls = 0
        self._publish = publish

    def round(self, calls: int) -> float:
        """Return how many microseconds a call took."""
        publish, began = self._publish, time.perf_counter()
        for _ in range(calls):
            publish()
        self.calls += calls
        return (time.perf_counter() - began) * 1e6 / calls


def main(database: str) -> None:
    """Measure and print."""
    ways = {"ours": _ours(), "bare": _bare(), "unanswered": _unanswered(), "group_send": _group_send()}
    took: dict[str, list[float]] = {name: [] for name in ways}
    with Listener(os.environ["REDIS_URL"], [way.channel for way in ways.values()]) as listener:
        for way in ways.values():
            way.round(WARM_UP_CALLS)
        for _ in range(ROUNDS):
            for name, way in ways.items():
                took[name].append(way.round(CALLS[name]))
                # What is still under way would slow down the next.
                listener.wait_for(way.channel, way.calls)
        lost = {name: listener.missing(way.channel, way.calls) for name, way in ways.items()}
    _print(took, lost)


def _print(took: Mapping[str, list[float]], lost: Mapping[str, int]) -> None:
    for name, values in took.items():
        figure("publish", f"{_prefix(name)}us_a_call", median(values))
    figure("publish", "ratio", ratios(took["ours"], took["bare"]), "<=1.3")
    figure("publish", "unanswered_ratio", ratios(took["ours"], took["unanswered"]))
    figure("publish", "group_send_ratio", ratios(took["group_send"], took["ours"]))
    for name, count in lost.items():
        figure("publish", f"{_prefix(name)}lost", count, "<=0" if name == "ours" else "")


def _prefix(name: str) -> str:
    return "" if name == "ours" else f"{name}_"


def _ours() -> Way:
    session_id = a_session().pk
    publish = partial(events.announce, session_id, "subagent.progress", PAYLOAD)
    return Way(publish, events.session_topic(session_id))


def _bare() -> Way:
    topic = events.session_topic(uuid.uuid4())
    client = redis.Redis.from_url(os.environ["REDIS_URL"], single_connection_client=True)
    return Way(partial(client.publish, topic, _text()), topic)


def _unanswered() -> Way:
    topic = events.session_topic(uuid.uuid4())
    connection: Any = redis.ConnectionPool.from_url(os.environ["REDIS_URL"]).make_connection()
    connection.connect()
    connection.send_command("CLIENT", "REPLY", "OFF")
    return Way(partial(connection.send_command, "PUBLISH", topic, _text()), topic)


def _group_send() -> Way:
    name = group(uuid.uuid4())
    layer: Any = RedisPubSubChannelLayer(hosts=hosts())
    send = async_to_sync(layer.group_send)
    # The name of the channel behind a group is the layer's own affair; here it is what it is by default.
    return Way(partial(send, name, {"type": "feed.event", "text": _text()}), f"asgi__group__{name}")


def _text() -> str:
    """Return the text that `events.announce` would send."""
    body = {"session_id": str(uuid.uuid4()), "kind": "subagent.progress", "payload": PAYLOAD}
    body |= {"created_at": timezone.now().isoformat()}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
