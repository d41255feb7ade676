// A word on how good a new password is, while it is typed. It stays in this
// page: nothing is sent, stored or logged, and what counts is checked again by
// the server. Without it every page works as well.
"use strict";

// runs are what people type without thinking; reversed ones count too.
const runs = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "!@#$%^&*()"];
const listed = ["password", "passwort", "welcome", "willkommen", "letmein", "iloveyou", "monkey", "dragon", "football", "admin", "login", "master", "secret", "geheim", "hallo", "hello", "schatz", "summer", "sommer", "winter"];

// plain drops what adds no surprise: listed words, runs and repetitions count
// as one character each.
function plain(text) {
  let s = text.normalize("NFKC").toLowerCase().replace(/0/g, "o").replace(/@/g, "a").replace(/\$/g, "s").replace(/3/g, "e");
  for (const word of listed) s = s.split(word).join("\u0001");
  const both = runs.concat(runs.map((r) => [...r].reverse().join("")));
  for (let n = 6; n >= 3; n--) {
    for (const run of both) {
      for (let i = 0; i + n <= run.length; i++) s = s.split(run.slice(i, i + n)).join("\u0002");
    }
  }
  return s.replace(/(.{1,4}?)\1{2,}/gu, "$1").replace(/(19|20)\d\d/g, "\u0003");
}

// bits is a rough estimate of what is left to guess.
function bits(text) {
  const left = [...plain(text)];
  return new Set(left).size < 4 ? 0 : left.length * Math.log2(8 + new Set(left).size);
}

for (const input of document.querySelectorAll("[data-strength]")) {
  const out = document.getElementById(input.dataset.strength);
  const least = Number(input.dataset.strengthLength);
  input.addEventListener("input", () => {
    const length = [...input.value.normalize("NFKC")].length;
    const found = bits(input.value);
    const word = length < least ? "short" : found < 38 ? "weak" : found < 60 ? "fair" : "good";
    out.hidden = input.value === "";
    out.className = "strength strength-" + word;
    out.textContent = input.dataset["strength" + word[0].toUpperCase() + word.slice(1)];
  });
}
