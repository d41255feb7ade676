// Says who Twofold let through. Needs nothing but Node.
import { createPublicKey, verify } from "node:crypto";

const issuer = process.env.TWOFOLD_ISSUER ?? "https://login.example.org";
const audience = process.env.APP_HOST ?? "wiki.example.org";
const url = process.env.TWOFOLD_KEYS ?? issuer + "/.well-known/jwks.json";
const leeway = 10; // seconds that the two clocks may differ
let keys = new Map(), fetched = 0;

async function key(id) {
  if (!keys.has(id) && Date.now() - fetched > 10_000) { // a new key, at most every ten seconds
    fetched = Date.now();
    const set = await (await fetch(url)).json();
    keys = new Map(set.keys.map((k) => [k.kid, createPublicKey({ key: k, format: "jwk" })]));
  }
  return keys.get(id);
}

// who returns the claims of a request's assertion, or null for a stranger on a public
// page. It throws an error for a forged one.
export async function who(headers) {
  const text = headers["twofold-assertion"];
  if (!text) return null;
  const [head, body, signature] = text.split(".");
  const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
  const { alg, kid } = read(head), now = Date.now() / 1000, k = await key(kid);
  const good = alg === "EdDSA" && k && verify(null, Buffer.from(head + "." + body), k, Buffer.from(signature, "base64url"));
  const c = good && read(body);
  if (!good || c.iss !== issuer || c.aud !== audience || !(c.exp > now - leeway) || !(c.iat < now + leeway)) throw new Error("invalid assertion");
  return c;
}
