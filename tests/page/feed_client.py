"""`feed.js` in a page whose sockets and snapshots are the test's."""

from typing import Any

from playwright.sync_api import Page

_SCRIPT = """async (seq) => {
  window.sockets = [];
  window.WebSocket = class {
    static OPEN = 1;
    constructor(url) { Object.assign(this, { url, readyState: 0, sent: [] }); sockets.push(this); }
    send(text) { this.sent.push(text); }
    close() { this.readyState = 3; }
  };
  Math.random = () => 1;
  Object.assign(window, { states: [], events: [], loads: 0, seq, trouble: null, online: true });
  Object.defineProperty(navigator, "onLine", { get: () => online });
  const { Feed } = await import("/feed.js");
  window.feed = new Feed({
    address: (after) => `ws://page.test/?after=${after}`,
    load: async () => {
      loads += 1;
      if (trouble) throw trouble;
      return { last_seq: window.seq };
    },
    on: {
      snapshot() {},
      events: (list) => events.push(...list),
      state: (state) => states.push(state),
      error: (payload) => states.push({ name: "error", ...payload }),
    },
  });
  feed.open();
}"""


class FeedClient:
    """Opens a feed; the methods are what the server, the network and the reader do to it."""

    def __init__(self, page: Page, last_seq: int = 0) -> None:
        self.page = page
        page.evaluate(_SCRIPT, last_seq)

    def snapshot_is_at(self, seq: int) -> None:
        """Let the next snapshot have this `last_seq`."""
        self.page.evaluate("(value) => { window.seq = value; trouble = null; }", seq)

    def snapshot_fails(self, message: str, status: int) -> None:
        """Let the next snapshots fail: with 0 or 500 for a while, else for good."""
        problem = {"message": message, "status": status, "mayPass": status in (0, 500)}
        self.page.evaluate("(value) => { trouble = value; }", problem)

    def ready(self, last_seq: int = 0) -> None:
        """Take the newest connection, and have replayed."""
        self.page.evaluate("sockets.at(-1).readyState = 1; sockets.at(-1).onopen()")
        self.send({"kind": "feed.ready", "payload": {"last_seq": last_seq}})

    def send(self, *events: dict[str, Any]) -> None:
        """Send a frame over the newest connection."""
        self.page.evaluate("(list) => sockets.at(-1).onmessage({ data: JSON.stringify(list) })", list(events))

    def close(self, code: int) -> None:
        """Close the newest connection."""
        self.page.evaluate(
            "(code) => { sockets.at(-1).readyState = 3; sockets.at(-1).onclose({ code }); }", code
        )

    def passes(self, milliseconds: float) -> None:
        """Let time pass."""
        self.page.clock.run_for(round(milliseconds))

    def happens(self, kind: str, target: str = "window") -> None:
        """Dispatch an event of the browser."""
        self.page.evaluate(f"(kind) => {target}.dispatchEvent(new Event(kind))", kind)

    def network(self, here: bool) -> None:
        """Let the network come or go."""
        self.page.evaluate("(here) => { online = here; }", here)
        self.happens("online" if here else "offline")

    @property
    def connections(self) -> list[str]:
        """The places after which connections were asked for, in order."""
        return [str(url).partition("after=")[2] for url in self.page.evaluate("sockets.map((s) => s.url)")]

    @property
    def events(self) -> list[Any]:
        """What was handed on: the `seq` of each event, or its kind if it has none."""
        return list(self.page.evaluate("events.map((event) => event.seq ?? event.kind)"))

    @property
    def loads(self) -> int:
        """How often the snapshot was asked for."""
        return int(self.page.evaluate("loads"))

    @property
    def state(self) -> dict[str, Any]:
        """The state told last; `wait` is how many milliseconds are left to the next try."""
        state = self.page.evaluate("({ ...states.at(-1), wait: (states.at(-1).at ?? 0) - Date.now() })")
        return dict(state)

    @property
    def pings(self) -> int:
        """How many pings the newest connection was sent."""
        return int(self.page.evaluate("sockets.at(-1).sent.filter((text) => text.includes('ping')).length"))
