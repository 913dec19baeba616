"use strict";
(() => {
  const bytes = s => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
  const text = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ceremony = async form => {
    const put = (name, value) => { form.elements[name].value = value ? text(value) : ""; };
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    let made;
    if (form.dataset.create) {
      options.user.id = bytes(options.user.id);
      made = await navigator.credentials.create({ publicKey: options });
      put("attestation", made.response.attestationObject);
    } else {
      made = await navigator.credentials.get({ publicKey: options });
      put("authenticator_data", made.response.authenticatorData);
      put("signature", made.response.signature);
      put("user_handle", made.response.userHandle);
    }
    put("id", made.rawId);
    put("client_data", made.response.clientDataJSON);
  };
  for (const form of document.querySelectorAll("form[data-options]")) {
    if (!window.PublicKeyCredential) {
      document.querySelector("[data-unsupported]").hidden = false;
      continue;
    }
    const button = form.querySelector("button");
    const status = form.querySelector("[role=status]");
    let busy = false;
    form.hidden = false;
    form.addEventListener("submit", async event => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      button.setAttribute("aria-busy", "true");
      status.textContent = form.dataset.working;
      try {
        await ceremony(form);
        form.submit();
      } catch {
        busy = false;
        button.removeAttribute("aria-busy");
        status.textContent = form.dataset.failed;
        button.focus();
      }
    });
  }
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!isNaN(at)) time.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  }
  const focus = document.querySelector("[data-focus]");
  if (focus) focus.focus();
  const over = document.querySelector("main[data-over]");
  if (over) {
    const left = Number(over.dataset.over) * 1000;
    if (left < 86400000) setTimeout(() => location.replace(over.dataset.href), left + 1000);
  }
})();
