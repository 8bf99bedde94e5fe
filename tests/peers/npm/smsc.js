// An SMSC on npm's smpp, so that our ESME meets an SMPP stack that neither it nor tests/peers/smsc.py shares anything with.
//
//   node smsc.js SYSTEM_ID PASSWORD       listens on a free port of 127.0.0.1
//
// One JSON object a line. Out: {"event":"listening","port":N}, "bound", "submit" (from, to, text, coding, udh as hex), "mo_answered",
// "unbound". In: {"mo":{"from":"...","to":"...","text":"..."}} sends a deliver_sm; {"throttle":N} answers the next N submit_sm with
// ESME_RTHROTTLED; {"drop":true} closes every connection. A submit that asked for a receipt gets one.
'use strict';

const path = require('path');
const readline = require('readline');
const smpp = require(require.resolve('smpp', { paths: [path.join(process.cwd(), 'node_modules'), process.env.PUSHMAIL_NPM || '.', __dirname] }));

const [systemId, password] = process.argv.slice(2);
const sessions = new Set();
let throttle = 0;
let nextId = 1;

const say = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');

function textOf(pdu) {
  const payload = pdu.short_message && pdu.short_message.message !== undefined ? pdu.short_message.message : pdu.message_payload;
  return Buffer.isBuffer(payload) ? payload.toString('hex') : payload;
}

function receiptFor(pdu, id) {
  const stamp = new Date().toISOString().replace(/[-:T]/g, '').slice(2, 12);
  return {
    source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi, source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
    esm_class: 4, receipted_message_id: id, message_state: 2,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:${stamp} done date:${stamp} stat:DELIVRD err:000 text:`,
  };
}

const server = smpp.createServer((session) => {
  let bound = false;
  sessions.add(session);
  session.on('error', () => {});
  session.on('close', () => sessions.delete(session));
  const bind = (pdu) => {
    if (pdu.system_id !== systemId) return session.send(pdu.response({ command_status: smpp.ESME_RINVSYSID }));
    if (pdu.password !== password) return session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
    bound = true;
    session.send(pdu.response({ system_id: 'npm-smsc' }));
    say('bound', { system_id: pdu.system_id, version: pdu.interface_version });
  };
  session.on('bind_transceiver', bind);
  session.on('bind_transmitter', bind);
  session.on('bind_receiver', bind);
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
    say('unbound', {});
  });
  session.on('deliver_sm_resp', (pdu) => say('mo_answered', { status: pdu.command_status }));
  session.on('submit_sm', (pdu) => {
    if (!bound) return session.send(pdu.response({ command_status: smpp.ESME_RINVBNDSTS }));
    if (throttle > 0) {
      throttle -= 1;
      say('throttled', {});
      return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    }
    const id = String(nextId++);
    session.send(pdu.response({ message_id: id }));
    const udh = pdu.short_message && pdu.short_message.udh;
    say('submit', {
      id, from: pdu.source_addr, to: pdu.destination_addr, ton: pdu.dest_addr_ton, npi: pdu.dest_addr_npi, coding: pdu.data_coding,
      text: textOf(pdu), udh: udh ? Buffer.concat(udh.map((part) => Buffer.from(part))).toString('hex') : '',
    });
    if (pdu.registered_delivery & 1) session.deliver_sm(receiptFor(pdu, id));
  });
});

server.listen(0, '127.0.0.1', () => say('listening', { port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.throttle) {
    throttle = order.throttle;
    say('throttling', {});
  }
  if (order.drop) sessions.forEach((session) => session.destroy());
  if (order.mo) {
    sessions.forEach((session) => session.deliver_sm({
      source_addr_ton: 1, source_addr_npi: 1, source_addr: order.mo.from, dest_addr_ton: 6, dest_addr_npi: 0,
      destination_addr: order.mo.to, short_message: order.mo.text,
    }));
  }
}).on('close', () => process.exit(0));
