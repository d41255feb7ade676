// Everything the sign-in says comes as JSON. Cookies hold the session: there is no token
// to keep here, and nothing to steal from storage. scripts/clients checks the types
// and makes static/app.js.
import { Client } from "./client.js";
const client = new Client();
function $(selector) {
    const found = document.querySelector(selector);
    if (!found)
        throw new Error(`index.html has no ${selector}`);
    return found;
}
const say = (words) => { $("#say").textContent = words; };
function show(id) {
    for (const s of document.querySelectorAll("section"))
        s.hidden = s.id !== id;
    document.querySelector(`#${id} input, #${id} select`)?.focus();
}
// refused says why a step was refused, and shows what may help.
function refused(answer) {
    say(answer.errors.join(" "));
    if (answer.reauth_required)
        show("verify");
    if (answer.email_proof_required)
        show("code"); // the address is proven first
}
// next does what an answer asks for.
async function next(answer, form) {
    if (!answer.ok)
        return refused(answer);
    if (answer.tf_required && answer.tf_select)
        return choose(answer.tf_factors ?? []);
    if (answer.tf_required && answer.tf_state === "setup_from_login")
        return begin();
    if (answer.tf_required) {
        say(answer.tf_method === "authenticator" ? "" : "A code was sent to you.");
        return show("code");
    }
    say(form.dataset.done ?? "");
    await home();
}
function choose(factors) {
    $("#choose select").replaceChildren(...factors.map((f) => {
        const name = [f.method, f.name, f.destination].filter(Boolean).join(" ");
        return new Option(name, f.id);
    }));
    show("choose");
}
async function begin() {
    const answer = await client.post("/tf-setup", { setup: "authenticator" });
    if (!answer.ok)
        return refused(answer);
    $("#uri").href = answer.tf_authr_uri ?? "";
    $("#key").textContent = answer.tf_authr_b32key ?? "";
    // A signed-in user ends a set-up by its token, a sign-in by its cookie.
    const finish = $("#finish");
    finish.dataset.post = answer.tf_state_token ? "/tf-setup/{token}" : "/tf-validate";
    finish.dataset.token = answer.tf_state_token ?? "";
    show("set-up");
}
// home shows who is signed in, or the way to be.
async function home() {
    const me = await client.get("/me");
    if (!me.ok) {
        if (me.status !== 401)
            say(me.errors.join(" "));
        return show("sign-in");
    }
    $("#who").textContent = me.user.email;
    $("#level").textContent = me.user.level === 2 ? "with two factors" : "with one factor";
    const reply = await fetch("/api/secret", { headers: { Accept: "application/json" } });
    $("#secret").textContent = reply.ok ? (await reply.json()).secret : "The secret needs two factors.";
    show("account");
}
for (const form of document.forms) {
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const button = form.querySelector("button");
        button.disabled = true; // one click, one request
        const to = form.dataset.post;
        const fields = Object.fromEntries(new FormData(form));
        const answer = await client.post(to, fields, { token: form.dataset.token });
        button.disabled = false;
        if (answer.ok)
            form.reset();
        if (answer.ok && location.pathname !== "/")
            history.replaceState(null, "", "/"); // the link is used
        await next(answer, form);
        if (answer.ok && to === "/reset")
            say("If there is such an account, a link was sent to it.");
        if (answer.ok && to === "/register" && $("#account").hidden && !answer.tf_required)
            say("Look into your mailbox.");
    });
}
for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => { say(""); show(button.dataset.show ?? ""); });
}
$("#begin").addEventListener("click", begin);
$("#sign-out").addEventListener("click", async () => { await client.post("/logout", {}); say("Signed out."); show("sign-in"); });
// Links of mails open this page; what they are for is done by the button.
const [, what, token] = location.pathname.split("/");
if (token && (what === "confirm" || what === "reset")) {
    const form = $(`#${what} form`);
    form.dataset.post = `/${what}/{token}`;
    form.dataset.token = token;
    show(what);
}
else {
    await home();
}
