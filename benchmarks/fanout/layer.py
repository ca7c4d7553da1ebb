"""The channel layer of stock Channels, as its documentation has it, for the server and for who publishes."""

import os
from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

BACKEND = "channels_redis.pubsub.RedisPubSubChannelLayer"


def hosts() -> list[dict[str, Any]]:
    """Return the broker that REDIS_URL names, with settings that outlive its restart."""
    host = {
        "address": os.environ["REDIS_URL"],
        "socket_timeout": None,
        "retry": Retry(ExponentialBackoff(cap=1, base=0.05), 5),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
    }
    return [host]


def group(session_id: object) -> str:
    """Return the name of the group of those who watch a session."""
    return f"session-{session_id}"
