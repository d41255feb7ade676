// Copy and print, for browsers that can. Without this the page works as well:
// the codes can be marked, printed by the browser's menu and downloaded.
const told = document.querySelector("[data-told]");
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const lines = [...document.querySelectorAll(button.dataset.copy + " code")].map(code => code.textContent);
    await navigator.clipboard.writeText(lines.join("\n") + "\n");
    told.textContent = button.dataset.done;
    button.textContent = button.dataset.done;
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
