// The client of a Twofold sign-in, for scripts in a browser. Cookies hold the session, so
// there is no token to keep. The types come from openapi.ts, which scripts/clients makes
// from docs/openapi.yaml.

import type { components, paths } from "./openapi.js";

type Method = "get" | "post" | "delete";

/** The paths that take a method. */
export type PathOf<M extends Method> = {
	[P in keyof paths]: paths[P][M] extends { responses: object } ? P : never;
}[keyof paths];

type JSONOf<T> = T extends { content: { "application/json": infer B } } ? B : never;

/** The fields that an operation takes. */
export type Fields<P extends keyof paths, M extends Method> =
	paths[P][M] extends { requestBody?: infer B } ? JSONOf<NonNullable<B>> : never;

/** What an operation answers when it succeeds. */
export type Answer<P extends keyof paths, M extends Method> =
	paths[P][M] extends { responses: { 200: infer A } } ? JSONOf<A> extends { response: infer R } ? R : never : never;

/** The query that an operation takes. */
export type Query<P extends keyof paths, M extends Method> =
	paths[P][M] extends { parameters: { query?: infer Q } } ? Extract<Q, object> : never;

/** Why an operation was refused. */
export type Refusal = components["schemas"]["Refused"]["response"];

/** An answer or a refusal; ok tells which. The status is 0 if the server cannot be reached. */
export type Result<A> = ({ ok: true; status: number } & A) | ({ ok: false; status: number } & Refusal);

/** What a step of a sign-in answers. */
export type Step = components["schemas"]["Outcome"]["response"];

/** What a path with a token in it, or with a query, needs. */
export type Options<P extends keyof paths, M extends Method> = { token?: string; query?: Query<P, M> };

export class Client {
	/** @param origin of the sign-in; empty if it is that of the page. */
	constructor(private readonly origin = "") {}

	get<P extends PathOf<"get">>(path: P, options?: Options<P, "get">) {
		return this.call<Answer<P, "get">>("GET", path, undefined, options);
	}

	post<P extends PathOf<"post">>(path: P, fields: Fields<P, "post">, options?: Options<P, "post">) {
		return this.call<Answer<P, "post">>("POST", path, fields, options);
	}

	delete<P extends PathOf<"delete">>(path: P, options?: Options<P, "delete">) {
		return this.call<Answer<P, "delete">>("DELETE", path, undefined, options);
	}

	private async call<A>(
		method: string, path: string, fields: unknown, options: { token?: string; query?: object } = {},
	): Promise<Result<A>> {
		const request: RequestInit = { method, headers: { Accept: "application/json" } };
		if (fields !== undefined) {
			request.headers = { Accept: "application/json", "Content-Type": "application/json" };
			request.body = JSON.stringify(fields);
		}
		if (this.origin) request.credentials = "include";
		const query = new URLSearchParams(Object.entries(options.query ?? {}).map(([name, value]) => [name, String(value)]));
		const to = this.origin + path.replace("{token}", encodeURIComponent(options.token ?? "")) + (query.size ? `?${query}` : "");
		let reply: Response | undefined;
		try {
			reply = await fetch(to, request);
			return { ok: reply.ok, status: reply.status, ...(await reply.json()).response };
		} catch {
			return { ok: false, status: reply?.status ?? 0, errors: ["The server cannot be reached. Please try again."] };
		}
	}
}
