// yjs and our documents edit together: several writers, updates in any order, twice, merged, half
// of them void. Each document must come out the same on both sides, nothing left waiting.
//
//     node doc.mjs PEER DOCUMENTS SEED
import * as Y from 'yjs';

import { begin, below, edit, hex, Peer, pick, position, range, shuffled, sorted, view, words } from './edits.mjs';

const [peerPath, documents, seed] = [process.argv[2], Number(process.argv[3] ?? 400), Number(process.argv[4] ?? Date.now() % 1e9)];
begin(seed);

async function peerView(peer) {
  const parts = [await peer.string('json', 'text', 2), await peer.string('json', 'map', 1), await peer.string('json', 'array', 0)];
  return JSON.stringify(parts.map((part) => sorted(JSON.parse(part))));
}

async function peerEdit(peer) {
  const text = await peer.string('text');
  if (below(8) === 0) await peer.ask(pick(['undo', 'redo']));
  else if (below(4) === 0) await peer.do('set', `k${below(4)}`, hex([125, below(60)]));
  else if (below(3) > 0 || text.length === 0) await peer.do('insert', position(text), hex(Buffer.from(pick(words))));
  else await peer.do('delete', ...range(text));
}

async function makeHistory(writer) {
  const updates = [];
  const docs = Array.from({ length: 2 + below(3) }, (_, i) => {
    const doc = new Y.Doc();
    doc.clientID = 10 + below(990) + i * 1000;
    doc.on('update', (update, origin) => {
      if (origin === 'remote') return;
      updates.push(update);
    });
    return doc;
  });
  await writer.do('reset', 5);
  for (let step = 0; step < 60; step++) {
    const doc = pick(docs);
    edit(doc);
    if (below(10) === 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(pick(docs), Y.encodeStateVector(doc)), 'remote');
    if (below(6) > 0) continue;
    await writer.do('apply', hex(Y.encodeStateAsUpdate(doc, await writer.bytes('vector'))));
    const before = await writer.ask('vector');
    await peerEdit(writer);
    updates.push(await writer.bytes('diff', before));
    Y.applyUpdate(doc, await writer.bytes('diff', hex(Y.encodeStateVector(doc))), 'remote');
  }
  return updates;
}

function check(what, got, wanted) {
  if (got !== wanted) throw new Error(`${what}:\n got    ${got}\n wanted ${wanted}`);
}

async function run(writer, reader) {
  const updates = await makeHistory(writer);
  const reference = new Y.Doc();
  reference.getText('text');
  reference.getMap('map');
  reference.getArray('array');
  for (const update of updates) Y.applyUpdate(reference, update);
  const delivered = shuffled(updates);
  delivered.push(pick(delivered));
  if (delivered.length > 6) delivered.splice(2, 3, Y.mergeUpdates(delivered.slice(2, 5)));
  await reader.do('reset', 99);
  for (const update of delivered) await reader.do('apply', hex(update));
  check('pending', await reader.string('pending'), '0');
  check('shuffled', await peerView(reader), view(reference));

  const whole = await reader.bytes('diff', '-');
  const again = new Y.Doc();
  Y.applyUpdate(again, whole);
  check('encoded', view(again), view(reference));
  const half = new Y.Doc();
  for (const update of updates.slice(0, updates.length >> 1)) Y.applyUpdate(half, update);
  Y.applyUpdate(half, await reader.bytes('diff', hex(Y.encodeStateVector(half))));
  check('difference', view(half), view(reference));

  // Some updates void: their structs hold their places, so that nothing else waits for ever, and
  // the order makes no difference.
  const voided = new Set(updates.filter(() => below(6) === 0));
  const views = [];
  for (let i = 0; i < 2; i++) {
    await reader.do('reset', 99);
    for (const update of shuffled(updates)) await reader.do(voided.has(update) ? 'void' : 'apply', hex(update));
    check('pending with void', await reader.string('pending'), '0');
    views.push(await peerView(reader));
  }
  check('order of void', views[0], views[1]);
  return { updates: updates.length, same: Buffer.compare(Buffer.from(Y.encodeStateAsUpdate(again)), whole) === 0 };
}

const [writer, reader] = [new Peer(peerPath), new Peer(peerPath)];
let [updates, same] = [0, 0];
for (let i = 0; i < documents; i++) {
  const result = await run(writer, reader);
  updates += result.updates;
  same += result.same;
}
console.log(`${documents} documents, ${updates} updates: equal; ${same} encodings are yjs' own byte for byte`);
writer.end();
reader.end();
