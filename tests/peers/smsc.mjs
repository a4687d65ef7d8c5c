// An SMSC over SMPP 3.4, by npm smpp: takes messages, answers as ordered, and reports what became of them.
//
// Options, as JSON in the first argument: port; system_id and password (wanted in a bind); receipts ("text" or "tlv",
// sent with the answer), state (2 if delivered); hex (messages are named in hexadecimal, in receipts in decimal); delay
// (milliseconds before an answer); key and cert (PEM, for TLS).
// Orders, one JSON line each: {"answer": STATUS | "nothing" | "drop", "times": N} for the next N messages; {"drop": true}
// breaks all connections; {"unbind": true} ends all sessions; {"receipt": {"id", "state"}} reports a message;
// {"deliver": "text"} passes on a message from a phone. Each is acknowledged by {"event": "ordered"}.
import { createInterface } from 'node:readline';
import smpp from 'smpp';

const options = JSON.parse(process.argv[2] ?? '{}');
const words = { 1: 'ENROUTE', 2: 'DELIVRD', 3: 'EXPIRED', 5: 'UNDELIV', 8: 'REJECTD' };
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const sessions = new Set();
const answers = [];
let named = 0x1a2b3c;
let outstanding = 0;

function report(session, id, state, form) {
  const tlv = { receipted_message_id: id, message_state: state, short_message: '' };
  const text = `id:${id} sub:001 dlvrd:001 submit date:2611220600 done date:2611220601 stat:${words[state]} err:000 text:Acme`;
  session.deliver_sm(
    { esm_class: 0x04, source_addr: '4915112345678', ...(form === 'tlv' ? tlv : { short_message: text }) },
    (answer) => print({ event: 'receipt_answered', id, status: answer.command_status }),
  );
}

function submit(session, pdu) {
  const { source_addr, source_addr_ton, source_addr_npi, destination_addr, dest_addr_ton, data_coding, esm_class } = pdu;
  outstanding += 1;
  const sent = { source_addr, source_addr_ton, source_addr_npi, destination_addr, dest_addr_ton, data_coding, esm_class };
  const { registered_delivery, short_message } = pdu;
  const order = answers.shift() ?? 0;
  const number = (named += 1);
  const id = options.hex ? number.toString(16).toUpperCase() : String(number);
  print({ event: 'submit', ...sent, registered_delivery, text: short_message.message, id, order, outstanding });
  setTimeout(() => {
    outstanding -= 1;
    if (order === 'drop') {
      session.destroy();
    } else if (order !== 'nothing') {
      session.send(pdu.response(order ? { command_status: order } : { message_id: id }));
      if (!order && options.receipts) {
        report(session, options.hex ? String(number) : id, options.state ?? 2, options.receipts);
      }
    }
  }, options.delay ?? 0);
}

const server = smpp.createServer(options, (session) => {
  session.on('error', () => session.destroy());
  session.on('close', () => {
    sessions.delete(session);
    print({ event: 'closed' });
  });
  session.on('bind_transceiver', (pdu) => {
    const { system_id, password, interface_version } = pdu;
    const known = [system_id, password].join() === [options.system_id, options.password].join();
    print({ event: 'bind', system_id, known, interface_version });
    session.send(pdu.response(known ? { system_id: 'smsc' } : { command_status: smpp.ESME_RINVPASWD }));
    if (known) sessions.add(session);
  });
  session.on('enquire_link', (pdu) => {
    print({ event: 'enquire_link' });
    session.send(pdu.response());
  });
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('generic_nack', () => print({ event: 'generic_nack' }));
  session.on('unbind', (pdu) => {
    print({ event: 'unbind' });
    session.send(pdu.response());
    session.close();
  });
});

server.listen(options.port ?? 0, '127.0.0.1', () => print({ port: server.address().port }));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    if ('answer' in order) answers.push(...Array(order.times ?? 1).fill(order.answer));
    for (const session of sessions) {
      if (order.drop) session.destroy();
      if (order.unbind) session.unbind();
      if (order.receipt) report(session, order.receipt.id, order.receipt.state ?? 2, options.receipts ?? 'text');
      if (order.deliver) session.deliver_sm({ short_message: order.deliver, source_addr: '4915112345678' }, (answer) =>
        print({ event: 'message_answered', status: answer.command_status }));
    }
    print({ event: 'ordered' });
  })
  .on('close', () => process.exit());
