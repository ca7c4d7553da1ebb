/**
 * The monitor: asks /api/monitor/ every two seconds, and at once when the staff feed tells of a change.
 * Whatever comes from the server is put into the page as text only.
 */

import { Feed } from "../sessions_app/js/feed.js";
import { show, showConnection, showFailure, tell } from "./monitor_view.js";

const EVERY_MS = 2000;
const TOO_LONG_MS = 8000;

let timer = 0;
let asking = false;

async function ask() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const answer = await fetch("/api/monitor/", {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(TOO_LONG_MS),
    });
    if (answer.ok) show(await answer.json());
    else showFailure(answer.status === 403 || answer.status === 401 ? "You are not logged in as staff." : `The server answered ${answer.status}.`);
  } catch {
    showFailure("The server does not answer.");
  }
  asking = false;
  schedule();
}

function schedule() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, EVERY_MS);
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));

const scheme = location.protocol === "https:" ? "wss" : "ws";
const feed = new Feed({
  address: () => `${scheme}://${location.host}/ws/staff/`,
  on: {
    events(events) {
      events.forEach(tell);
      ask();
    },
    state(state) {
      showConnection(state);
      if (state.regained) ask();
    },
    error() {},
  },
});
feed.open();
ask();
