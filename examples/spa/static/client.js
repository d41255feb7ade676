// The client of a Twofold sign-in, for scripts in a browser. Cookies hold the session, so
// there is no token to keep. The types come from openapi.ts, which scripts/clients makes
// from docs/openapi.yaml.
export class Client {
    origin;
    /** @param origin of the sign-in; empty if it is that of the page. */
    constructor(origin = "") {
        this.origin = origin;
    }
    get(path, options) {
        return this.call("GET", path, undefined, options);
    }
    post(path, fields, options) {
        return this.call("POST", path, fields, options);
    }
    delete(path, options) {
        return this.call("DELETE", path, undefined, options);
    }
    async call(method, path, fields, options = {}) {
        const request = { method, headers: { Accept: "application/json" } };
        if (fields !== undefined) {
            request.headers = { Accept: "application/json", "Content-Type": "application/json" };
            request.body = JSON.stringify(fields);
        }
        if (this.origin)
            request.credentials = "include";
        const query = new URLSearchParams(Object.entries(options.query ?? {}).map(([name, value]) => [name, String(value)]));
        const to = this.origin + path.replace("{token}", encodeURIComponent(options.token ?? "")) + (query.size ? `?${query}` : "");
        let reply;
        try {
            reply = await fetch(to, request);
            return { ok: reply.ok, status: reply.status, ...(await reply.json()).response };
        }
        catch {
            return { ok: false, status: reply?.status ?? 0, errors: ["The server cannot be reached. Please try again."] };
        }
    }
}
