// Compiled with the client and never run: what must not compile does not.

import { Client } from "./client.js";

const client = new Client();

// @ts-expect-error: there is no such path
void client.get("/mee");
// @ts-expect-error: there is no such field
void client.post("/login", { emial: "ada@example.org" });
// @ts-expect-error: a field has another type
void client.post("/tf-setup", { setup: "sms", add: "yes" });
// @ts-expect-error: the path takes no such method
void client.delete("/login");
// @ts-expect-error: there is no such parameter
void client.get("/tf-sessions", { query: { pages: 2 } });

const me = await client.get("/me");
// @ts-expect-error: a refusal has no user
void me.user;
if (me.ok) {
	const email: string = me.user.email;
	// @ts-expect-error: it is a number
	const level: string = me.user.level;
	void [email, level];
} else {
	const errors: string[] = me.errors;
	void errors;
}
