// Keeps the parts of a page that are marked with `data-live` as the server has them, while somebody looks.
// The page is asked for whole and compared: without this script a reload shows the same.

import { morph } from "./morph.js";

// A page that answers a form stands under the form's address, where nothing can be got, and where a reload would send
// the form once more, as for another secret. It says where it can be got, and stands there from now on.
const from = document.body.dataset.liveFrom;
if (from) history.replaceState(null, "", from);

const EVERY_MS = 2000;
const MOST_MS = 30000;
const state = document.querySelector("[data-live-state]");
let waitMs = EVERY_MS;
let timer;

const parts = () => document.querySelectorAll("[data-live]");

function tell(text) {
  if (state && state.textContent !== text) state.textContent = text;
}

async function refresh() {
  const response = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (response.redirected && new URL(response.url).pathname !== location.pathname) return location.reload();
  if (!response.ok) throw new Error(String(response.status));
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of parts()) {
    const fresh = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (!fresh) return location.reload();
    morph(part, fresh);
  }
}

async function turn() {
  clearTimeout(timer);
  if (document.visibilityState !== "visible") return;
  try {
    await refresh();
    waitMs = EVERY_MS;
    tell("This page keeps itself up to date.");
  } catch {
    waitMs = Math.min(waitMs * 2, MOST_MS);
    tell("We cannot reach the server now; what you see may be old.");
  }
  timer = setTimeout(turn, waitMs);
}

if (parts().length) {
  document.addEventListener("visibilitychange", turn);
  timer = setTimeout(turn, EVERY_MS);
}
