"""A server without an SDK that misbehaves as its first argument says: `python raw.py MANNER [FILE]`.

FILE gets every message that the server receives, a line each.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
MODERN = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
TOOL = {"name": "act", "description": "Acts.", "inputSchema": {"type": "object"}}


def write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def send(**message: Any) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}))


def answer(request: Message, result: Any) -> None:
    send(id=request["id"], result=result)


def say(request: Message, text: str) -> None:
    answer(request, {"content": [{"type": "text", "text": text}]})


def notify(method: str, **params: Any) -> None:
    send(method=method, params=params)


def tell_pid(request: Message) -> None:
    say(request, str(os.getpid()))


def page(request: Message, cursor: str | None, *tools: Message) -> None:
    answer(request, {"tools": list(tools), **MODERN, **({"nextCursor": cursor} if cursor else {})})


def once(request: Message) -> None:
    """List the one tool."""
    page(request, None, TOOL)


def flood(request: Message) -> None:
    while True:
        notify("notifications/message", level="info", data="x")


def dirty(request: Message) -> None:
    parts = [
        {"type": "text", "text": "a\x00b\ud800c"},
        {"type": "text", "text": "x" * 1_100_000},
        {"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="},
        {"type": "image", "mimeType": "image/png", "data": "A" * 5_000_000},
    ]
    answer(request, {"content": parts, "structuredContent": {"key\x00": ["\ud800", 1]}})


def progress(request: Message) -> None:
    token = request["params"]["_meta"]["progressToken"]
    for step in range(6):
        time.sleep(0.1)
        notify("notifications/progress", progressToken=token, progress=step, message=f"\x00step {step}")
    say(request, "done")


def family(request: Message) -> None:
    """Start a child that leaves the group and the session, and one that stays."""
    far = subprocess.Popen(["sleep", "1000"], start_new_session=True, stdout=subprocess.DEVNULL)
    near = subprocess.Popen(["sleep", "1000"])
    say(request, json.dumps([os.getpid(), far.pid, near.pid]))


def ask(request: Message) -> None:
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}}
    send(id="e", method="elicitation/create", params={"message": "?", "requestedSchema": schema})
    send(id="s", method="sampling/createMessage", params={"messages": [], "maxTokens": 1})
    replies = [json.loads(sys.stdin.readline()) for _ in range(2)]
    say(request, json.dumps([reply.get("error", {}).get("message") for reply in replies]))


def require(request: Message) -> None:
    """Ask to come again twice, then ask the user."""
    rounds = int(request["params"].get("requestState", "0"))
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}}
    question = {"mode": "form", "message": "?", "requestedSchema": schema}
    asked = {"colour": {"method": "elicitation/create", "params": question}} if rounds == 2 else None
    more = {"inputRequests": asked} if asked else {}
    answer(request, {"resultType": "input_required", "requestState": str(rounds + 1), **more})


def die(request: Message) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def changes(request: Message) -> None:
    list_tools.append(lambda again: page(again, None, TOOL, {**TOOL, "name": "second"}))
    for _ in range(50):
        notify("notifications/tools/list_changed")
    say(request, "changed")


def endless(request: Message) -> None:
    time.sleep(0.001)
    cursor = int(request.get("params", {}).get("cursor", "0"))
    page(request, str(cursor + 1), {**TOOL, "name": f"tool{cursor}"})


def many(request: Message) -> None:
    page(request, None, *({**TOOL, "name": f"tool{number}"} for number in range(1_500)))


def hostile(request: Message) -> None:
    deep: Message = {"type": "object"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"a": deep}}
    schemas: list[Message] = [
        {"type": "string"},
        {"type": "object", "$ref": "http://127.0.0.1:1/schema"},
        {"type": "object", "description": "x" * 70_000},
        deep,
    ]
    bad = [{**TOOL, "name": f"bad{number}", "inputSchema": schema} for number, schema in enumerate(schemas)]
    names = ["", "x" * 129, "two words", "<b>", "new\nline", "ünï", "act"]
    page(request, None, TOOL, *bad, *({**TOOL, "name": name} for name in names))


def pause(request: Message) -> None:
    time.sleep(1_000)


CALLS: dict[str, Callable[[Message], None]] = {
    "broken_json": lambda request: write('{"jsonrpc": "2.0", "id": '),
    "wrong_id": lambda request: send(id=4711, result={"content": []}),
    "wrong_type": lambda request: answer(request, {"content": "text"}),
    "not_an_object": lambda request: send(id=request["id"], result="text"),
    "huge_line": lambda request: write("x" * 9_000_000),
    "noise": lambda request: write("starting…\n" * 200),
    "flood": flood,
    "dirty": dirty,
    "progress": progress,
    "family": family,
    "ask": ask,
    "input_required": require,
    "die": die,
    "changes": changes,
    "refuses": lambda request: send(id=request["id"], error={"code": -32000, "message": "not\x00 today"}),
    "never": lambda request: None,
    "deaf": pause,
}
LISTS: dict[str, Callable[[Message], None]] = {
    "endless": endless,
    "many": many,
    "hostile": hostile,
    "same": lambda request: page(request, "again"),
}
list_tools = [LISTS.get(sys.argv[1], once)]


def handle(manner: str, message: Message) -> None:
    method = message.get("method")
    if method == "server/discover" and manner == "input_required":
        answer(message, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, **MODERN})
    elif method == "initialize":
        about = {"name": "raw", "version": "1"}
        can = {"tools": {"listChanged": True}}
        answer(message, {"protocolVersion": "2025-11-25", "capabilities": can, "serverInfo": about})
    elif method == "tools/list":
        list_tools[-1](message)
    elif method == "tools/call":
        name = message["params"]["arguments"].get("manner", manner)
        CALLS.get(name, tell_pid)(message)
    elif "id" in message and method:
        send(id=message["id"], error={"code": -32601, "message": "Method not found"})


def start(manner: str) -> None:
    """Do what is done before the first message is read."""
    if manner == "exits":
        print("first line\nno configuration: token hunter2hunter2 is wrong", file=sys.stderr)
        sys.exit(3)
    if manner == "silent":
        time.sleep(1_000)
    if manner == "greets":
        write("Server started on standard output!")
    if manner == "chatty":
        sys.stderr.write("blah blah\n" * 100_000)
    if manner == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main(manner: str, record: Path | None) -> None:
    """Serve until the input ends, and a stubborn one beyond that."""
    start(manner)
    for line in sys.stdin:
        if record is not None:
            with record.open("a") as file:
                file.write(line)
        handle(manner, json.loads(line))
    if manner == "stubborn":
        time.sleep(1_000)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
