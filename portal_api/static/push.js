// Offers to show alarms on this device. Where a browser cannot, or without this script, the offer stays hidden.

const WORKER = "/static/push-worker.js";
const offer = document.querySelector("[data-push]");

function bytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (each) => each.charCodeAt(0));
}

function say(text) {
  offer.querySelector("[data-push-said]").textContent = text;
}

// The page is outside the worker's scope, so that `ready` would never come.
async function worker() {
  const registration = await navigator.serviceWorker.register(WORKER);
  const made = registration.installing ?? registration.waiting;
  if (made) {
    await new Promise((resolve) => {
      made.addEventListener("statechange", () => made.state === "activated" && resolve());
      if (made.state === "activated") resolve();
    });
  }
  return registration;
}

async function subscribe() {
  const registration = await worker();
  const wish = { userVisibleOnly: true, applicationServerKey: bytes(offer.dataset.pushKey) };
  try {
    return await registration.pushManager.subscribe(wish);
  } catch (error) {
    // Subscribed to another key before: such a subscription is of no use to us.
    const old = await registration.pushManager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return registration.pushManager.subscribe(wish);
  }
}

async function add() {
  if ((await Notification.requestPermission()) !== "granted") return say(offer.dataset.pushRefused);
  const headers = { "Content-Type": "application/json" };
  if (offer.dataset.pushCsrf) headers["X-CSRF"] = offer.dataset.pushCsrf;
  const label = (navigator.userAgentData?.platform ?? navigator.platform ?? "").slice(0, 60);
  const body = JSON.stringify({ kind: "push", subscription: await subscribe(), label });
  const answer = await fetch(offer.dataset.push, { method: "POST", headers, body });
  say(answer.ok ? offer.dataset.pushDone : offer.dataset.pushFailed);
}

if (offer && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  const button = offer.querySelector("button");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await add();
    } catch {
      say(offer.dataset.pushFailed);
    }
    button.disabled = false;
  });
  offer.hidden = false;
}
