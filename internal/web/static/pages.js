// Small conveniences. Without this script every page works as well.
(() => {
  "use strict";
  // A form is sent once: a second click does nothing until the page is shown again.
  document.addEventListener("submit", event => {
    const form = event.target;
    if (event.defaultPrevented || form.dataset.passkey || form.dataset.stays !== undefined) return;
    const buttons = [...form.querySelectorAll("button")];
    setTimeout(() => buttons.forEach(button => { button.disabled = true; }));
    setTimeout(() => buttons.forEach(button => { button.disabled = false; }), 8000);
  });
  addEventListener("pageshow", event => {
    if (event.persisted) document.querySelectorAll("form button:disabled").forEach(button => { button.disabled = false; });
  });

  // So many digits are a code, six if nothing is said: send it, once.
  for (const input of document.querySelectorAll("input[data-auto]")) {
    input.addEventListener("input", () => {
      const digits = input.value.normalize("NFKC").replace(/[^0-9]/g, "");
      if (input.dataset.auto === undefined || digits.length !== Number(input.dataset.auto || 6) || input.dataset.sent === digits) return;
      input.dataset.sent = digits;
      input.form.requestSubmit();
    });
  }

  // A code in a text message, where the browser offers to read it.
  const sent = document.querySelector("input[data-sms]");
  if (sent && "OTPCredential" in window) {
    const stop = new AbortController();
    sent.form.addEventListener("submit", () => stop.abort());
    navigator.credentials.get({otp: {transport: ["sms"]}, signal: stop.signal}).then(found => {
      sent.value = found.code;
      sent.form.requestSubmit();
    }).catch(() => {});
  }

  // Show a password while it is typed.
  for (const button of document.querySelectorAll("button[data-shows]")) {
    const input = document.getElementById(button.dataset.shows);
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", shown);
      button.textContent = shown ? button.dataset.hide : button.dataset.show;
      input.focus();
    });
    input.form.addEventListener("submit", () => { input.type = "password"; });
  }

  // Times as people here write them, in the digits that codes have.
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title = time.textContent;
    time.textContent = at.toLocaleString(document.documentElement.lang + "-u-nu-latn", time.dataset.short !== undefined
      ? {timeStyle: "short"} : {dateStyle: "medium", timeStyle: "short"});
  }

  // Another code can be asked for in half a minute.
  for (const button of document.querySelectorAll("button[data-wait]")) {
    const text = button.textContent;
    let left = Number(button.dataset.wait);
    button.disabled = true;
    const tick = () => {
      if (button.dataset.wait === undefined) return;
      button.textContent = left > 0 ? button.dataset.waiting.replace("%", left) : text;
      button.disabled = left > 0;
      if (left-- > 0) setTimeout(tick, 1000);
    };
    tick();
  }

  // Copy what is marked, without what is there for the eye only.
  for (const button of document.querySelectorAll("button[data-copies]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
      button.textContent = button.dataset.done;
    });
  }
})();
