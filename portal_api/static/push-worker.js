// Shows alarms as notifications while no page of ours is open, and says back what became of them.
//
// A message is JSON: {title, body, lang, tag, hook, open, take?}. Its form is in isocket/domain/endpoint_letters.py.

const ICON = "/static/icon.svg";

// Tells the cloud; without a network nothing is lost but the word that it was shown.
async function tell(path) {
  return fetch(path, { method: "POST", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(15000) });
}

async function notify(said, changes) {
  await self.registration.showNotification(said.title, {
    body: said.body,
    lang: said.lang,
    tag: said.tag,
    icon: ICON,
    badge: ICON,
    data: said,
    ...changes,
  });
}

async function show(said) {
  const there = await self.registration.getNotifications({ tag: said.tag });
  const again = there.some((each) => each.data?.hook === said.hook); // a second copy makes no noise
  await notify(said, {
    renotify: !again,
    silent: again,
    requireInteraction: Boolean(said.take),
    actions: said.take ? [{ action: "take", title: said.take.label }] : [],
  });
  await tell(`${said.hook}/shown`).catch(() => {});
}

async function take(said) {
  let words = said.take.failed;
  try {
    const answer = await tell(`${said.hook}/take`);
    if (answer.ok) words = (await answer.json()).taken ? said.take.done : said.take.over;
  } catch {
    // said below: the notification stays, and leads to the page with its button
  }
  await notify({ ...said, body: words }, { renotify: false, silent: true });
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));
self.addEventListener("notificationclick", (event) => {
  const said = event.notification.data;
  // What is said after a press takes the notification's place by its tag: closing it first could close that instead.
  if (event.action === "take" && said.take) return event.waitUntil(take(said));
  event.notification.close();
  event.waitUntil(self.clients.openWindow(said.open));
});
