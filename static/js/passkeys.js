// Passkeys: the forms marked with data-passkey ask the browser for one before they are sent.
"use strict";
(() => {
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), sign => sign.charCodeAt(0));
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // What the server asks, with bytes where the browser wants them.
  function asked(options) {
    const found = { ...options, challenge: bytes(options.challenge) };
    if (found.user) found.user = { ...found.user, id: bytes(found.user.id) };
    for (const name of ["excludeCredentials", "allowCredentials"]) {
      if (found[name]) found[name] = found[name].map(key => ({ ...key, id: bytes(key.id) }));
    }
    return found;
  }

  // What the browser answers, as JSON.
  function answer(key) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (key.response[name]) response[name] = text(key.response[name]);
    }
    if (key.response.getTransports) response.transports = key.response.getTransports();
    return JSON.stringify({
      id: key.id, rawId: text(key.rawId), type: key.type, response,
      authenticatorAttachment: key.authenticatorAttachment,
      clientExtensionResults: key.getClientExtensionResults(),
    });
  }

  async function ask(form) {
    const response = await fetch(form.dataset.asked, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) {
      location.reload();  // signed out, or to be confirmed once more: the page says so
      return "";
    }
    const options = asked((await response.json()).publicKey);
    const key = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: options })
      : await navigator.credentials.get({ publicKey: options });
    return answer(key);
  }

  const isAble = window.isSecureContext && window.PublicKeyCredential && navigator.credentials;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!isAble) continue;
    form.hidden = false;
    form.addEventListener("submit", async event => {
      const held = form.elements.answer, fault = form.querySelector(".form-fault"), button = form.querySelector("button");
      if (held.value) return;
      event.preventDefault();
      fault.hidden = true;
      button.disabled = true;
      try {
        held.value = await ask(form);
        if (held.value) form.submit();
      } catch (error) {
        fault.hidden = false;
      } finally {
        button.disabled = false;
      }
    });
  }
  if (isAble) for (const line of document.querySelectorAll("[data-no-passkeys]")) line.hidden = true;
})();
