// Answers captchas that ask a browser, not its user. The others bring a script of
// their own.
(() => {
  "use strict";
  // A form that is sent too early is sent again when there is an answer.
  function answer(form, field, start) {
    let button = null, waits = false;
    const send = value => {
      field.value = value;
      if (waits) form.requestSubmit(button);
    };
    form.addEventListener("submit", event => {
      if (field.value) return;
      event.preventDefault();
      waits = true;
      button = event.submitter;
      start(send);
    });
    return send;
  }

  // Altcha: find the number for which the hash of salt and number is the challenge.
  async function solve({algorithm, challenge, maxnumber, salt}) {
    const text = new TextEncoder(), batch = 500;
    const wanted = challenge.match(/../g).map(octet => parseInt(octet, 16));
    for (let from = 0; from <= maxnumber; from += batch) {
      const hashes = await Promise.all(Array.from({length: batch}, (_, i) =>
        crypto.subtle.digest(algorithm, text.encode(salt + (from + i)))));
      const at = hashes.findIndex(hash => {
        const octets = new Uint8Array(hash);
        return wanted.every((octet, i) => octets[i] === octet);
      });
      if (at >= 0) return from + at;
    }
    throw new Error("no number");
  }

  for (const box of document.querySelectorAll("[data-altcha]")) {
    const form = box.closest("form"), field = form.querySelector("input[name=altcha]");
    const say = word => { box.textContent = box.dataset[word]; box.dataset.state = word; };
    const send = answer(form, field, () => {});
    const {maxnumber, ...question} = JSON.parse(box.dataset.altcha);
    box.hidden = false;
    say("working");
    solve({maxnumber, ...question}).then(number => {
      say("done");
      send(btoa(JSON.stringify({...question, number})));
    }).catch(() => say("failed"));
  }

  // reCAPTCHA v3: an answer is good for two minutes, so it is made when the form is sent.
  for (const field of document.querySelectorAll("input[data-scored]")) {
    answer(field.form, field, send => {
      grecaptcha.ready(() => grecaptcha.execute(field.dataset.scored, {action: field.dataset.action}).then(send));
    });
  }
})();
