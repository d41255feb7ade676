// Everything the sign-in says comes as JSON. Cookies hold the session: there is
// no token to keep here, and nothing to steal from storage.

const $ = (selector) => document.querySelector(selector);

const say = (words) => { $("#say").textContent = words; };

function show(id) {
	for (const s of document.querySelectorAll("section")) s.hidden = s.id !== id;
	$(`#${id} input, #${id} select`)?.focus();
}

// call asks the sign-in something. Its answer is {meta: {code}, response}.
async function call(method, path, fields) {
	const request = { method, headers: { Accept: "application/json" } };
	if (fields) {
		request.headers["Content-Type"] = "application/json";
		request.body = JSON.stringify(fields);
	}
	let reply;
	try {
		reply = await fetch(path, request);
		return { ok: reply.ok, status: reply.status, ...(await reply.json()).response };
	} catch {
		return { ok: false, status: reply?.status ?? 0, errors: ["The server cannot be reached. Please try again."] };
	}
}

// next does what an answer asks for.
async function next(answer, form) {
	if (!answer.ok) {
		say((answer.errors ?? ["That did not work."]).join(" "));
		if (answer.reauth_required) show("verify");
		if (answer.email_proof_required) show("code"); // the address is proven first
		return;
	}
	if (answer.tf_required && answer.tf_select) return choose(answer);
	if (answer.tf_required && answer.tf_state === "setup_from_login") return begin();
	if (answer.tf_required) {
		say(answer.tf_method === "authenticator" ? "" : "A code was sent to you.");
		return show("code");
	}
	say(form?.dataset.done ?? "");
	await home();
}

function choose(answer) {
	$("#choose select").replaceChildren(...answer.tf_factors.map((f) => {
		const name = [f.method, f.name, f.destination].filter(Boolean).join(" ");
		return new Option(name, f.id);
	}));
	show("choose");
}

async function begin() {
	const answer = await call("POST", "/tf-setup", { setup: "authenticator" });
	if (!answer.ok) return next(answer);
	$("#uri").href = answer.tf_authr_uri;
	$("#key").textContent = answer.tf_authr_b32key;
	// A signed-in user ends a set-up by its token, a sign-in by its cookie.
	$("#finish").dataset.post = answer.tf_state_token ? `/tf-setup/${answer.tf_state_token}` : "/tf-validate";
	show("set-up");
}

// home shows who is signed in, or the way to be.
async function home() {
	const me = await call("GET", "/me");
	if (!me.ok) {
		if (me.status !== 401) say(me.errors.join(" "));
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
		const fields = Object.fromEntries(new FormData(form));
		const answer = await call("POST", form.dataset.post, fields);
		button.disabled = false;
		if (answer.ok) form.reset();
		if (answer.ok && location.pathname !== "/") history.replaceState(null, "", "/"); // the link is spent
		await next(answer, form);
		if (answer.ok && form.dataset.post === "/reset") say("If there is such an account, a link was sent to it.");
		if (answer.ok && form.dataset.post === "/register" && $("#account").hidden && !answer.tf_required) say("Look into your mailbox.");
	});
}

for (const button of document.querySelectorAll("[data-show]")) {
	button.addEventListener("click", () => { say(""); show(button.dataset.show); });
}

$("#begin").addEventListener("click", begin);
$("#sign-out").addEventListener("click", async () => { await call("POST", "/logout", {}); say("Signed out."); show("sign-in"); });

// Links of mails open this page; what they are for is done by the button.
const [, what, token] = location.pathname.split("/");
if (token && ["confirm", "reset"].includes(what)) {
	$(`#${what} form`).dataset.post = `/${what}/${token}`;
	show(what);
} else {
	await home();
}
