// A site with Better Auth, set up as its documentation says, for doorcheck.
//
// usage: betterauth.mjs PORT DATABASE MAILBOX ORIGIN, in a folder with node_modules
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Database from "better-sqlite3";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { passkey } from "@better-auth/passkey";
import { bearer, magicLink, twoFactor } from "better-auth/plugins";

const [port, database, mailbox, origin] = process.argv.slice(2);
const mail = (to, text) => fetch(mailbox, { method: "POST", body: JSON.stringify({ to, text }) });
const auth = betterAuth({
  // Installation
  appName: "site", baseURL: origin, secret: "a secret key of 32 bytes or more, for this run only", database: new Database(database),
  telemetry: { enabled: false },
  // Email & Password: "Require Email Verification", "Request Password Reset"
  emailAndPassword: { enabled: true, requireEmailVerification: true, sendResetPassword: ({ user, url }) => mail(user.email, url) },
  emailVerification: { sendOnSignUp: true, sendVerificationEmail: ({ user, url }) => mail(user.email, url) },
  // User & Accounts: "Change Email", "Delete User"
  user: { changeEmail: { enabled: true }, deleteUser: { enabled: true } },
  // Two-Factor, Magic link, Passkey, Bearer Token
  plugins: [
    // "Trusted devices": for 90 seconds in place of 30 days, so that the end can be waited for
    twoFactor({ trustDeviceMaxAge: 90, otpOptions: { sendOTP: ({ user, otp }) => mail(user.email, `code ${otp}`) } }),
    magicLink({ sendMagicLink: ({ email, url }) => mail(email, url) }),
    passkey({ rpName: "site", origin }),
    bearer(),
  ],
  // Rate Limit: on in production; the address of the client comes from the proxy in front
  advanced: { ipAddress: { ipAddressHeaders: ["x-forwarded-for"] } },
  // Session Management: "Session Freshness", 20 seconds in place of a day, so that a stale proof can be waited for
  session: { freshAge: 20 },
});
await (await getMigrations(auth.options)).runMigrations();
const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const versions = { version: versionOf("better-auth"), passkey: versionOf("@better-auth/passkey") };
const handler = toNodeHandler(auth);
createServer((q, w) => (q.url === "/version" ? w.end(JSON.stringify(versions)) : handler(q, w))).listen(Number(port), "127.0.0.1");
