/** The staff feed: events about the whole installation. A lost connection is taken up again. */

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15_000;
const PING_EVERY_MS = 20_000;
const REFUSED = new Set([4401, 4403]);

/** Call `hear(event)` for each event, for as long as the page is open. */
export function listen(hear) {
  let failures = 0;

  function connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/staff/`);
    const pings = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('{"type":"ping"}'), PING_EVERY_MS);
    socket.onmessage = ({ data }) => {
      failures = 0;
      for (const event of JSON.parse(data)) if (!event.kind.startsWith("feed.")) hear(event);
    };
    socket.onclose = ({ code }) => {
      clearInterval(pings);
      if (REFUSED.has(code)) return;
      failures += 1;
      setTimeout(connect, Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1)));
    };
  }

  connect();
}
