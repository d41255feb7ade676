// Passkeys, the browser's half. A form with data-passkey="create" or "get" asks
// its own address for a question (data-options holds it if the page does), puts
// it to the authenticator and posts the answer like any form. The question's name
// ends the answer's address, or is a field of it if the form has data-state. Nothing
// is kept here, and nothing is decided here.
(() => {
  "use strict";
  const forms = document.querySelectorAll("form[data-passkey]");
  const supported = window.isSecureContext && window.PublicKeyCredential && navigator.credentials;
  let waiting = null; // the question that autofill holds; another one ends it

  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
  const text = buffer => btoa(Array.from(new Uint8Array(buffer), b => String.fromCharCode(b)).join(""))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // read makes the browser's JSON what the API takes.
  function read(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const list of [options.allowCredentials, options.excludeCredentials])
      for (const c of list || []) c.id = bytes(c.id);
    return options;
  }

  // write makes what the API returns the browser's JSON.
  function write(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (credential.response[name]) response[name] = text(credential.response[name]);
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    const id = text(credential.rawId), results = credential.getClientExtensionResults();
    return JSON.stringify({
      id, rawId: id, type: credential.type, authenticatorAttachment: credential.authenticatorAttachment, response,
      clientExtensionResults: results.credProps ? {credProps: results.credProps} : {},
    });
  }

  function say(form, words) {
    const status = form.querySelector("[data-status]");
    status.textContent = words;
    status.hidden = !words;
  }

  // ask fetches a question.
  async function ask(form) {
    if (form.dataset.options) {
      const asked = {options: JSON.parse(form.dataset.options), answer: form.dataset.answer, state: form.dataset.state};
      delete form.dataset.options; // it is answered once
      return asked;
    }
    const fields = Object.fromEntries(new FormData(form));
    const reply = await fetch(form.action, {
      method: "POST", headers: {"Content-Type": "application/json", Accept: "application/json"}, body: JSON.stringify(fields),
    });
    if (!reply.ok) return null; // the page says why
    const body = (await reply.json()).response;
    const options = body.credential_options, action = form.getAttribute("action"), state = body.wan_state;
    if (form.dataset.state !== undefined) return {options, answer: action, state};
    return {options, answer: action + "/" + encodeURIComponent(state)};
  }

  // post sends the answer as a form, so that the reply is a page.
  function post(form, asked, credential) {
    const out = document.createElement("form");
    out.method = "post";
    out.action = asked.answer;
    out.hidden = true;
    const remember = document.getElementById("field-remember");
    const fields = {credential: write(credential)};
    if (asked.state) fields.wan_state = asked.state;
    for (const name of ["csrf_token", "next"])
      if (form.elements[name]) fields[name] = form.elements[name].value;
    if (remember && remember.checked) fields.remember = "true";
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      out.append(input);
    }
    document.body.append(out);
    out.submit();
  }

  async function run(form) {
    say(form, "");
    if (waiting) waiting.abort();
    waiting = null;
    let asked;
    try {
      asked = await ask(form);
    } catch (e) {
      say(form, form.querySelector("[data-status]").dataset.failed);
      return;
    }
    if (!asked) {
      form.submit();
      return;
    }
    try {
      post(form, asked, await navigator.credentials[form.dataset.passkey]({publicKey: read(asked.options)}));
    } catch (e) {
      const words = form.querySelector("[data-status]").dataset;
      say(form, e.name === "NotAllowedError" || e.name === "AbortError" ? words.cancelled : e.name === "InvalidStateError" ? words.known : words.failed);
    }
  }

  // autofill offers passkeys where the name is typed. A question is put again
  // before it grows too old.
  async function autofill(form) {
    if (!PublicKeyCredential.isConditionalMediationAvailable || !await PublicKeyCredential.isConditionalMediationAvailable()) return;
    for (;;) {
      const mine = waiting = new AbortController();
      const timer = setTimeout(() => mine.abort(), form.dataset.autofill * 1000);
      try {
        const asked = await ask(form);
        if (waiting !== mine || !asked) return;
        post(form, asked, await navigator.credentials.get({publicKey: read(asked.options), mediation: "conditional", signal: mine.signal}));
        return;
      } catch (e) {
        if (waiting !== mine || e.name !== "AbortError") return; // the button is still there
      } finally {
        clearTimeout(timer);
      }
    }
  }

  for (const form of forms) {
    if (!supported) {
      say(form, form.querySelector("[data-status]").dataset.unsupported);
      form.querySelector("button").disabled = true;
      continue;
    }
    form.addEventListener("submit", event => {
      event.preventDefault();
      run(form);
    });
    if (form.dataset.autofill) autofill(form);
  }
})();
