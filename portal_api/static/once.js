// Sends a form once. Who clicks twice would else make a thing twice, or read the second answer alone: that the link
// was used already. What was changed meanwhile, or another button, is another sending.

const AGAIN_MS = 5000; // then the same may be sent again: the answer was a file, and the page stayed, or none came
let last = {};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  const typed = JSON.stringify([...new FormData(form)]);
  const now = performance.now();
  const same = last.form === form && last.button === event.submitter && last.typed === typed;
  if (same && now - last.at < AGAIN_MS) event.preventDefault();
  else last = { form, button: event.submitter, typed, at: now };
});

// A page that a browser kept and shows again may be sent again.
addEventListener("pageshow", () => { last = {}; });
