// A browser's push service and the browser behind it: takes messages over HTTP, checks their VAPID token with jose and
// decrypts them with http_ece. The first event after the port holds the browser's keys. What is answered is chosen by the
// path: /ok, /gone, /missing, /busy, /down, /large, /rude.
import { createECDH, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import ece from "http_ece";
import { importJWK, jwtVerify } from "jose";

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const browser = createECDH("prime256v1");
browser.generateKeys();
const auth = randomBytes(16);

const answers = {
  "/ok": [201, { location: "/message/1" }, ""],
  "/gone": [410, {}, ""],
  "/missing": [404, {}, ""],
  "/busy": [429, { "retry-after": "7" }, "slow down"],
  "/down": [503, {}, "not today"],
  "/large": [413, {}, ""],
  "/rude": [400, {}, "no such thing"],
};

// The token's claims, if it is signed with the key beside it and made for this service.
async function vapid(header, origin) {
  const [, token, key] = /^vapid t=([^,]+), k=(.+)$/.exec(header) ?? [];
  const point = Buffer.from(key, "base64url");
  const part = (from, to) => point.subarray(from, to).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: part(1, 33), y: part(33, 65) };
  const { payload, protectedHeader } = await jwtVerify(token, await importJWK(jwk, "ES256"), { audience: origin });
  return { claims: payload, alg: protectedHeader.alg, key };
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", async () => {
    const origin = `http://127.0.0.1:${server.address().port}`;
    const { ttl, urgency, topic, authorization } = request.headers;
    const event = { event: "push", path: request.url, ttl, urgency, topic, encoding: request.headers["content-encoding"] };
    const body = Buffer.concat(pieces);
    event.size = body.length;
    try {
      event.vapid = await vapid(authorization, origin);
      event.text = ece.decrypt(body, { version: "aes128gcm", privateKey: browser, authSecret: auth }).toString();
    } catch (error) {
      event.error = String(error);
    }
    tell(event);
    const [status, headers, text] = answers[request.url] ?? answers["/rude"];
    response.writeHead(status, headers);
    response.end(text);
  });
});

server.listen(0, "127.0.0.1", () => {
  tell({ port: server.address().port });
  tell({ event: "keys", p256dh: browser.getPublicKey().toString("base64url"), auth: auth.toString("base64url") });
});
process.stdin.on("end", () => process.exit(0)).resume();
