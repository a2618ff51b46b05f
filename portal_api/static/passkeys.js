// Passkeys: makes one, signs in by one, proves by one. Where a browser cannot, the buttons stay hidden.

async function asked(path, csrf) {
  const headers = { "Content-Type": "application/json" };
  if (csrf) headers["X-CSRF"] = csrf;
  const answer = await fetch(path, { method: "POST", headers });
  if (answer.ok) return answer.json();
  const problem = await answer.json();
  if (problem.type.endsWith(":step-up")) location.assign(`/prove?next=${encodeURIComponent(location.pathname)}`);
  throw new Error(problem.detail);
}

async function credential(form, options) {
  if (form.dataset.passkey === "make") {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const button = form.querySelector("button");
    const said = form.querySelector("[data-passkey-said]");
    button.disabled = true;
    said.textContent = "";
    try {
      const { ticket, options } = await asked(form.dataset.passkeyOptions, form.elements.csrf?.value);
      const made = await credential(form, options);
      form.elements.ticket.value = ticket;
      form.elements.credential.value = JSON.stringify(made.toJSON());
      form.submit();
    } catch (error) {
      said.textContent = error.name === "NotAllowedError" ? "Nothing was shown. Try again." : error.message;
      button.disabled = false;
    }
  });
}
