// yjs and libshoal edit the same documents over a real relay: two people with yjs, whose updates are
// published as yjs made them, and one with libshoal, in a circle. Each writes while the others do.
// In the end all have the same texts, maps and arrays, and so has somebody who comes late.
//
//     node yjs.mjs RELAY_BINARY PEER DOCUMENTS SEED
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools';
import WebSocket from 'ws';
import * as Y from 'yjs';

import { begin, below, edit, hex, Peer, pick, position, range, shuffled, sorted, view, words } from './edits.mjs';
import { startRelay } from './relay.mjs';

const [relayPath, peerPath, documents, seed] = [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5] ?? Date.now() % 1e9)];
const [OP, UPDATE, CIRCLE_OP, ROUNDS, UNFINISHED_MAX] = [1570, 1571, 1572, 2, 100];

// A connection to the relay.
class Link {
  constructor(url) {
    this.waiting = new Map(); // what is to be done with a name's or an id's answers
    this.names = 0;
    this.socket = new WebSocket(url);
    this.socket.on('message', (bytes) => {
      const [type, name, ...rest] = JSON.parse(bytes.toString());
      this.waiting.get(name)?.(type, ...rest);
    });
    this.opened = new Promise((resolve, reject) => this.socket.on('open', resolve).on('error', reject));
  }
  publish(event) {
    return new Promise((resolve, reject) => {
      this.waiting.set(event.id, (type, ok, why) => {
        this.waiting.delete(event.id);
        if (ok) resolve();
        else reject(new Error(`refused: ${why}`));
      });
      this.socket.send(JSON.stringify(['EVENT', event]));
    });
  }
  query(filter) {
    const name = `q${this.names++}`;
    const found = [];
    return new Promise((resolve, reject) => {
      this.waiting.set(name, (type, event) => {
        if (type === 'EVENT') found.push(event);
        else if (type === 'CLOSED') reject(new Error(`closed: ${event}`));
        else {
          this.waiting.delete(name);
          this.socket.send(JSON.stringify(['CLOSE', name]));
          resolve(found);
        }
      });
      this.socket.send(JSON.stringify(['REQ', name, filter]));
    });
  }
}

const hlcOf = (event) => BigInt(`0x${event.tags.find(([name]) => name === 'hlc')[1]}`);
const marked = (event, marker) => event.tags.filter((tag) => tag[0] === 'e' && tag[3] === marker).map((tag) => tag[1]);

// Events that none of the others comes after.
function headsOf(events) {
  const behind = new Set(events.flatMap((event) => marked(event, 'prev')));
  return events.filter((event) => !behind.has(event.id));
}

// The client id that a device of a person has in the documents of one entity.
function clientOf(root, pubkey, device) {
  const parts = ['yjs-client\0', Buffer.from(root, 'hex'), Buffer.from(pubkey, 'hex'), Buffer.from(device, 'hex')];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return Number(hash.digest().readBigUInt64BE() >> 11n);
}

// Somebody with yjs.
class Writer {
  constructor(link) {
    this.link = link;
    this.secret = generateSecretKey();
    this.pubkey = getPublicKey(this.secret);
    this.device = Buffer.from(Array.from({ length: 8 }, () => below(256))).toString('hex');
    this.seq = 0;
    this.docs = new Map(); // root: what is known of it
    this.unfinished = [];
  }
  sign(kind, content, parents, tags) {
    let hlc = BigInt(Date.now()) << 16n;
    for (const parent of [...parents, ...this.grounds]) if (hlcOf(parent) >= hlc) hlc = hlcOf(parent) + 1n;
    const own = [['hlc', hlc.toString(16).padStart(16, '0')], ['h', this.circle], ['w', this.device, `${++this.seq}`]];
    for (const parent of parents) own.push(['e', parent.id, '', 'prev']);
    for (const ground of this.grounds) own.push(['e', ground.id, '', 'auth']);
    return finalizeEvent({ kind, content, tags: [...own, ...tags], created_at: Number((hlc >> 16n) / 1000n) }, this.secret);
  }
  async publish(event) {
    this.unfinished.push(this.link.publish(event));
    if (this.unfinished.length >= UNFINISHED_MAX) await this.finish();
  }
  async finish() { await Promise.all(this.unfinished.splice(0)); }
  async join(circle) {
    this.circle = circle;
    this.grounds = headsOf(await this.link.query({ kinds: [CIRCLE_OP] }));
  }
  async create() {
    const root = this.sign(OP, '{"op":"create","type":"note"}', [], []);
    await this.publish(root);
    return root.id;
  }
  open(root) {
    const doc = new Y.Doc();
    const known = { doc, events: new Map(), updates: [] };
    doc.clientID = clientOf(root, this.pubkey, this.device);
    doc.on('update', (update, origin) => {
      if (origin !== 'remote') known.updates.push(update);
    });
    this.docs.set(root, known);
  }
  // What others have written meanwhile, in the order that it happens to come.
  async hear(root) {
    const known = this.docs.get(root);
    await this.finish();
    const found = [...await this.link.query({ ids: [root] }), ...await this.link.query({ kinds: [UPDATE], '#e': [root] })];
    for (const event of shuffled(found)) {
      if (known.events.has(event.id)) continue;
      known.events.set(event.id, event);
      if (event.kind === UPDATE) Y.applyUpdate(known.doc, Buffer.from(event.content, 'base64'), 'remote');
    }
  }
  async write(root) {
    const known = this.docs.get(root);
    for (let i = 1 + below(5); i > 0; i--) edit(known.doc);
    // One event an update, or one for all of them.
    const updates = known.updates.splice(0);
    const sent = below(2) === 0 || updates.length < 2 ? updates : [Y.mergeUpdates(updates)];
    for (const update of sent) {
      const tags = [['e', root, '', 'root'], ['c', 'yjs1']];
      const event = this.sign(UPDATE, Buffer.from(update).toString('base64'), headsOf([...known.events.values()]), tags);
      known.events.set(event.id, event);
      await this.publish(event);
    }
  }
}

async function peerView(peer, root) {
  const parts = [];
  for (const [name, kind] of [['text', 2], ['map', 1], ['array', 0]]) parts.push(JSON.parse(await peer.ask('json', root, name, kind)));
  return JSON.stringify(parts.map(sorted));
}

async function peerWrite(peer, root) {
  for (let i = below(3); i > 0; i--) {
    const text = JSON.parse(await peer.ask('json', root, 'text', 2));
    if (below(4) === 0) await peer.do('set', root, `k${below(4)}`, hex([125, below(60)]));
    else if (below(3) > 0 || text.length === 0) await peer.do('splice', root, position(text), 0, hex(Buffer.from(pick(words))));
    else {
      const [at, count] = range(text);
      if (count > 0) await peer.do('splice', root, at, count, '-');
    }
  }
}

async function sync(peer) {
  const result = JSON.parse(await peer.ask('sync'));
  if (result.why !== '' || result.refused !== 0) throw new Error(`sync: ${JSON.stringify(result)}`);
  return result;
}

function check(what, got, wanted) {
  if (got !== wanted) throw new Error(`${what}:\n got    ${got}\n wanted ${wanted}`);
}

async function run(url, folder) {
  const link = new Link(url);
  await link.opened;
  const [writers, peer, late] = [[new Writer(link), new Writer(link)], new Peer(peerPath), new Peer(peerPath)];
  await peer.ask('open', join(folder, 'one'), url);
  await late.ask('open', join(folder, 'late'), url);
  const circle = await peer.ask('circle');
  for (const writer of writers) await peer.do('member', circle, writer.pubkey);
  const roots = [];
  for (let i = 0; i < documents; i += 2) roots.push(await peer.ask('new', circle));
  await sync(peer);
  for (const writer of writers) await writer.join(circle);
  while (roots.length < documents) roots.push(await pick(writers).create());
  for (const writer of writers) {
    for (const root of roots) writer.open(root);
    await writer.finish();
  }
  for (const writer of writers) for (const root of roots) await writer.hear(root);
  for (let round = 0; round < ROUNDS; round++) {
    await sync(peer);
    for (const root of roots) {
      for (const writer of shuffled(writers)) {
        if (below(2) === 0) await writer.hear(root);
        await writer.write(root);
      }
      await peerWrite(peer, root);
    }
    for (const writer of writers) await writer.finish();
  }
  await sync(peer);
  await sync(late);
  for (const root of roots) {
    for (const writer of writers) await writer.hear(root);
    const [first, second] = writers.map((writer) => view(writer.docs.get(root).doc));
    check('yjs and yjs', second, first);
    check('libshoal and yjs', await peerView(peer, root), first);
    check('who comes late', await peerView(late, root), first);
    const entity = JSON.parse(await peer.ask('entity', root));
    check('the text of the entity', entity.text ?? '', JSON.parse(first)[0]);
  }
  check('the state of all', await late.ask('hash'), await peer.ask('hash'));
  const { fetched } = await sync(late);
  check('nothing is left', fetched, 0);
  link.socket.close();
  peer.end();
  late.end();
  return (await Promise.all(writers.map((writer) => writer.seq))).reduce((sum, count) => sum + count, 0);
}

begin(seed);
const relay = await startRelay(relayPath, ['--events_per_s_max=0', '--reqs_per_s_max=0']);
const folder = mkdtempSync(join(tmpdir(), 'shoal-yjs-'));
try {
  const events = await run(relay.url, folder);
  console.log(`${documents} documents, ${events} events of yjs: equal`);
} finally {
  await relay.stop();
  rmSync(folder, { recursive: true, force: true });
}
