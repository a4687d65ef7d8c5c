// A mail relay that turns to TLS and then refuses every recipient, and somebody on the way who puts text of their own in
// the open behind its "go ahead".
//
// The argument is JSON: { cert, key, inject }. Each command is printed, and whether it came under TLS.
import { createInterface } from "node:readline";
import { createServer } from "node:net";
import { TLSSocket } from "node:tls";

const { cert, key, inject } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
createInterface({ input: process.stdin }).on("close", () => process.exit(0));

/** Answers commands until one is not to be answered here. */
function serve(socket, secure, answer) {
    let heard = "";
    const listen = (part) => {
        heard += part.toString("latin1");
        for (let end; (end = heard.indexOf("\r\n")) >= 0; heard = heard.slice(end + 2)) {
            const line = heard.slice(0, end);
            say({ event: "command", line, secure });
            if (answer(line.split(" ")[0].toUpperCase()) === "stop") return socket.off("data", listen);
        }
    };
    socket.on("data", listen);
    socket.on("error", () => socket.destroy());
}

const server = createServer((socket) => {
    socket.write("220 relay ready\r\n");
    serve(socket, false, (command) => {
        if (command === "EHLO") return socket.write("250-relay\r\n250-8BITMIME\r\n250 STARTTLS\r\n");
        if (command !== "STARTTLS") return socket.write("530 STARTTLS first\r\n");
        socket.write(`220 go ahead\r\n${inject}`);
        const tls = new TLSSocket(socket, { isServer: true, cert, key });
        tls.on("secure", () => say({ event: "secured" }));
        const answers = { EHLO: "250-relay\r\n250 8BITMIME\r\n", MAIL: "250 sender\r\n", RCPT: "550 not here\r\n", QUIT: "221 bye\r\n" };
        serve(tls, true, (word) => tls.write(answers[word] ?? "250 so be it\r\n"));
        return "stop";
    });
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
