// Keeps the parts of a page that are marked with `data-live` as the server has them, while somebody looks.
// The page is asked for whole and compared: without this script a reload shows the same.

import { morph } from "./morph.js";

// A page that answers a form stands under the form's address, where nothing can be got, and where a reload would send
// the form once more, as for another secret. It says where it can be got, and stands there from now on.
const from = document.body.dataset.liveFrom;
if (from) history.replaceState(null, "", from);

const EVERY_MS = 2000;
const WHILE_TOLD_MS = 5000;
const SOON_MS = 100;
const MOST_MS = 30000;
const RESTS = 4; // times as long as the last answer took: however much happens, a page of many is no load on the server
const state = document.querySelector("[data-live-state]");
const lost = document.querySelector("[data-live-lost]"); // above all else: what stands below it counts no time any more
let waitMs = EVERY_MS;
let tookMs = 0;
let timer;

const parts = () => document.querySelectorAll("[data-live]");

function tell(upToDate) {
  const text = upToDate ? "This page keeps itself up to date." : "";
  if (state && state.textContent !== text) state.textContent = text;
  if (lost) lost.hidden = upToDate;
}

async function refresh() {
  const begun = performance.now();
  const response = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (response.redirected && new URL(response.url).pathname !== location.pathname) return location.reload();
  if (!response.ok) throw new Error(String(response.status));
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  tookMs = performance.now() - begun;
  for (const part of parts()) {
    const fresh = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (!fresh) return location.reload();
    morph(part, fresh);
  }
}

// The server tells when something happens, so that the page is asked for at once. Only while somebody looks: a browser
// has few connections to one address. Without it the page is asked for every two seconds.
const told = document.body.dataset.liveEvents;
const REFUSED_MS = 30000;
let stream;
let due = false;
let notBefore = 0;

function listen() {
  if (!told || stream || Date.now() < notBefore || document.visibilityState !== "visible") return;
  stream = new EventSource(told);
  for (const kind of ["state", "incident", "command", "device", "reset"]) stream.addEventListener(kind, soon);
  stream.addEventListener("end", refused);
  stream.addEventListener("error", () => stream?.readyState === EventSource.CLOSED && refused());
}

function refused() {
  notBefore = Date.now() + REFUSED_MS;
  hangUp();
}

function hangUp() {
  stream?.close();
  stream = undefined;
}

function soon() {
  if (due) return;
  due = true;
  clearTimeout(timer);
  timer = setTimeout(turn, Math.max(SOON_MS, Math.min(RESTS * tookMs, WHILE_TOLD_MS)));
}

async function turn() {
  clearTimeout(timer);
  due = false;
  if (document.visibilityState !== "visible") return hangUp();
  try {
    await refresh();
    listen();
    waitMs = stream?.readyState === EventSource.OPEN ? WHILE_TOLD_MS : EVERY_MS;
    tell(true);
  } catch {
    waitMs = Math.min(waitMs * 2, MOST_MS);
    tell(false);
  }
  timer = setTimeout(turn, waitMs);
}

if (parts().length) {
  document.addEventListener("visibilitychange", turn);
  timer = setTimeout(turn, EVERY_MS);
}
