// A mail relay: npm smtp-server, whose mails are read and their signatures verified by npm mailauth.
//
// The argument is JSON: { security: "starttls" | "tls" | "plain", cert, key, user, password, utf8, sign, quiet }. With
// sign, keys to sign with are made and printed beside the port, and what they sign is verified for the domain it names.
// What becomes of a mail is said by its recipient's name: busy… 451, gone… 550, hangup… ends the connection, drop… ends
// the connection once, when the mail has arrived, slow… is answered after two seconds, full… 552 after the mail. Each mail
// taken is printed. An order {"refuse_all": 421} turns every new connection away, {} lets them in again.
import { generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline";
import { SMTPServer } from "smtp-server";
import { authenticate } from "mailauth";

const options = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const refuse = (code, text) => Object.assign(new Error(text), { responseCode: code });
const begins = (address, name) => address.toLowerCase().startsWith(name);
const dropped = new Set();
let refuseAll = null;

createInterface({ input: process.stdin })
    .on("line", (line) => {
        refuseAll = JSON.parse(line).refuse_all ?? null;
    })
    .on("close", () => process.exit(0));

// Keys by selector, and what the name service would say of them.
const keys = {};
const published = {};
if (options.sign) {
    const [rsa, ed25519] = [generateKeyPairSync("rsa", { modulusLength: 2048 }), generateKeyPairSync("ed25519")];
    const pem = (pair, type) => pair.privateKey.export({ type, format: "pem" });
    const der = (pair) => pair.publicKey.export({ type: "spki", format: "der" });
    Object.assign(keys, { rsa: pem(rsa, "pkcs8"), rsa1: pem(rsa, "pkcs1"), ed: pem(ed25519, "pkcs8") });
    const text = (kind, key) => `v=DKIM1; k=${kind}; p=${key.toString("base64")}`;
    const texts = { rsa: text("rsa", der(rsa)), rsa1: text("rsa", der(rsa)) };
    texts.ed = text("ed25519", der(ed25519).subarray(-32));
    for (const [selector, one] of Object.entries(texts)) published[`${selector}._domainkey.${options.sign}`] = one;
}
const resolver = async (name, type) => {
    const text = published[name];
    if (type === "TXT" && text) return [[text]];
    throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
};

const server = new SMTPServer({
    secure: options.security === "tls",
    key: options.key,
    cert: options.cert,
    disabledCommands: options.security === "starttls" ? [] : ["STARTTLS"],
    authMethods: ["PLAIN", "LOGIN"],
    authOptional: !options.user,
    allowInsecureAuth: options.security === "plain",
    hideSMTPUTF8: !options.utf8,
    logger: false,
    onConnect(session, done) {
        say({ event: "connect", id: session.id });
        done(refuseAll ? refuse(refuseAll, "no service for you today") : undefined);
    },
    onAuth(auth, session, done) {
        if (auth.username === options.user && auth.password === options.password) {
            return done(null, { user: auth.username });
        }
        done(refuse(535, "wrong name or password"));
    },
    onRcptTo({ address }, session, done) {
        say({ event: "recipient", address });
        if (begins(address, "hangup")) return server.connections.forEach((it) => it.id === session.id && it._socket.destroy());
        if (begins(address, "busy")) return done(refuse(451, "greylisted, try again later"));
        if (begins(address, "gone")) return done(refuse(550, "no such user here"));
        done();
    },
    onData(stream, session, done) {
        const parts = [];
        stream.on("data", (part) => parts.push(part));
        stream.on("end", async () => {
            const raw = Buffer.concat(parts);
            const text = raw.toString("utf8");
            const end = text.indexOf("\r\n\r\n");
            const headers = text.slice(0, end).replace(/\r\n[ \t]+/g, " ").split("\r\n");
            const to = session.envelope.rcptTo.map((one) => one.address);
            const messageId = headers.find((line) => /^message-id:/i.test(line))?.split(": ")[1];
            if (begins(to[0], "full")) return done(refuse(552, "mailbox full"));
            if (begins(to[0], "drop") && !dropped.has(to[0])) {
                dropped.add(to[0]);
                say({ event: "dropped", to, message_id: messageId });
                for (const connection of server.connections) {
                    if (connection.id === session.id) connection._socket.destroy();
                }
                return;
            }
            let dkim = null;
            if (options.sign) {
                const checked = await authenticate(text, {
                    ip: "127.0.0.1", helo: "test", sender: session.envelope.mailFrom.address, resolver,
                    disableArc: true, disableDmarc: true, disableBimi: true,
                });
                dkim = checked.dkim.results.map((one) => ({ result: one.status.result, domain: one.signingDomain }));
            }
            const wait = begins(to[0], "slow") ? 2000 : 0;
            setTimeout(() => {
                say({
                    event: "mail", to, from: session.envelope.mailFrom.address, message_id: messageId, dkim,
                    secure: session.secure, user: session.user ?? null, connection: session.id,
                    headers: options.quiet ? undefined : headers, body: options.quiet ? undefined : text.slice(end + 4),
                });
                done(null, "taken");
            }, wait);
        });
    },
});
server.on("error", (error) => say({ event: "error", message: error.message }));
server.listen(0, "127.0.0.1", () => say({ port: server.server.address().port, keys }));
