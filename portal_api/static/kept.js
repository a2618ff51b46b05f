// Keeps what was typed while somebody has to sign in, or to prove who they are, before their form is taken, or reads
// that its page was out of date, or that something broke: the server has thrown the form away. It lies in this tab only,
// goes with the next page that is none of these, and comes back to nobody else. Passwords and codes are not kept.

const KEY = "typed";
const DOORS = ["/login", "/login/code", "/login/passkey", "/prove", "/prove/passkey"];
const SECRET = ["hidden", "password", "file", "submit"];

// What became of a form that no page of ours answered, as far as is known. `data-held` of a refusal says which it is.
const SAID = {
  nothing: "What you typed is here again. It was not sent.",
  unknown: "What you typed is here again. Look first whether it was taken, for we could not say.",
};

const held = () =>
  DOORS.includes(location.pathname) ? "nothing" : document.querySelector("script[data-held]")?.dataset.held;
// Back from a page on which nothing of ours ran, such as a browser's own that the server cannot be reached.
const cameBack = () => performance.getEntriesByType("navigation")[0]?.type === "back_forward";
const who = () => document.querySelector(".me a[href='/profile']")?.title ?? "";
const area = (path) => path.split("/")[1];
const secret = (field) =>
  SECRET.includes(field.type) || field.autocomplete === "one-time-code" || "secret" in field.dataset;
const kept = (form) => [...form.elements].filter((each) => each.name && !secret(each));
const state = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked : field.value);

function remember(form) {
  if (DOORS.includes(location.pathname)) return;
  sessionStorage.removeItem(KEY);
  const fields = kept(form);
  if (!who() || !fields.length) return;
  const typed = fields.map((each) => [each.name, state(each)]);
  sessionStorage.setItem(KEY, JSON.stringify({ who: who(), action: form.getAttribute("action"), typed }));
}

function giveBack() {
  const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!found) return;
  if (held()) return sessionStorage.setItem(KEY, JSON.stringify({ ...found, held: held() }));
  const form = [...document.forms].find((each) => each.getAttribute("action") === found.action && kept(each).length);
  const outcome = found.held ?? (cameBack() ? "unknown" : undefined);
  const mine = outcome && found.who === who();
  if (!form && mine && area(found.action) === area(location.pathname)) return; // the form is a page further on
  sessionStorage.removeItem(KEY);
  if (!form || !mine) return;
  const fields = kept(form);
  for (const [number, [name, value]] of found.typed.entries()) {
    if (fields[number]?.name !== name) continue;
    if (typeof value === "boolean") fields[number].checked = value;
    else fields[number].value = value;
  }
  for (let each = form.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
  const said = document.createElement("p");
  said.className = "note";
  said.setAttribute("role", "status");
  said.textContent = SAID[outcome];
  form.prepend(said);
  form.scrollIntoView({ block: "nearest" });
}

// In a browser that lets us keep nothing the page is as it was sent.
function attempt(act) {
  try {
    act();
  } catch {}
}

addEventListener("submit", (event) => event.target.method === "post" && attempt(() => remember(event.target)));
attempt(giveBack);
