// yjs and our documents edit together: several writers, updates in any order, twice, merged, half
// of them void. Each document must come out the same on both sides, nothing left waiting.
//
//     node doc.mjs PEER DOCUMENTS SEED
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as Y from 'yjs';

const [peerPath, documents, seed] = [process.argv[2], Number(process.argv[3] ?? 400), Number(process.argv[4] ?? Date.now() % 1e9)];
console.log(`seed ${seed}`);

let state = seed >>> 0; // mulberry32
function below(bound) {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % bound;
}
const pick = (list) => list[below(list.length)];

class Peer {
  constructor() {
    this.child = spawn(peerPath, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async ask(...words) {
    this.child.stdin.write(`${words.join(' ')}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the peer has ended');
    return value;
  }
  async do(...words) {
    if ((await this.ask(...words)) !== '1') throw new Error(`refused: ${words[0]}`);
  }
  async bytes(...words) { return Buffer.from(await this.ask(...words), 'hex'); }
  async string(...words) { return (await this.bytes(...words)).toString(); }
  apply(update) { return this.do('apply', hex(update)); }
}
const hex = (bytes) => Buffer.from(bytes).toString('hex') || '-';

const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
};
const view = (doc) => JSON.stringify([doc.getText('text').toString(), sorted(doc.getMap('map').toJSON()), doc.getArray('array').toJSON()]);
async function peerView(peer) {
  const parts = [await peer.string('json', 'text', 2), await peer.string('json', 'map', 1), await peer.string('json', 'array', 0)];
  return JSON.stringify(parts.map((part) => sorted(JSON.parse(part))));
}

const words = ['a', 'bc', 'h\u00e9llo', '\u65e5\u672c', '\n', 'zz', '\ud83d\ude00'];
// A cut through a pair of surrogates is where yjs disagrees with itself: none is made.
const isInPair = (text, at) => at > 0 && at < text.length && /[\udc00-\udfff]/.test(text[at]) && /[\ud800-\udbff]/.test(text[at - 1]);
function position(text) {
  const at = below(text.length + 1);
  return isInPair(text, at) ? at - 1 : at;
}
function range(text) {
  const from = position(text);
  let to = Math.min(text.length, from + 1 + below(4));
  if (isInPair(text, to)) to += 1;
  return [from, to - from];
}

function editText(doc) {
  const text = doc.getText('text');
  if (below(3) > 0 || text.length === 0) text.insert(position(text.toString()), pick(words));
  else text.delete(...range(text.toString()));
}
function editMap(doc) {
  const map = doc.getMap('map');
  const key = `k${below(4)}`;
  switch (below(4)) {
    case 0: map.delete(key); return;
    case 1: {
      const inner = new Y.Map();
      map.set(key, inner);
      inner.set('x', below(50));
      inner.set('list', Y.Array.from([1, 2, below(9)]));
      return;
    }
    default: map.set(key, pick([below(100), `s${below(9)}`, null, true, { a: [1, 2.5, -7] }, -1234567, 0.1, '']));
  }
}
function editArray(doc) {
  const array = doc.getArray('array');
  switch (below(4)) {
    case 0: {
      if (array.length === 0) return;
      const at = below(array.length);
      array.delete(at, Math.min(1 + below(3), array.length - at));
      return;
    }
    case 1: array.insert(below(array.length + 1), [new Y.Text(`in${below(9)}`)]); return;
    default: array.insert(below(array.length + 1), [below(10), 'q', { deep: [below(5)] }]);
  }
}
function format(doc) {
  const text = doc.getText('text');
  if (text.length > 2) text.format(...range(text.toString()), { bold: below(2) === 0 ? true : null });
}

async function peerEdit(peer) {
  const text = await peer.string('text');
  if (below(8) === 0) await peer.ask(pick(['undo', 'redo']));
  else if (below(4) === 0) await peer.do('set', `k${below(4)}`, hex([125, below(60)]));
  else if (below(3) > 0 || text.length === 0) await peer.do('insert', position(text), hex(Buffer.from(pick(words))));
  else await peer.do('delete', ...range(text));
}

function shuffled(list) {
  const out = list.slice();
  for (let i = out.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
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
    pick([editText, editText, editText, editMap, editMap, editArray, editArray, format])(doc);
    if (below(10) === 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(pick(docs), Y.encodeStateVector(doc)), 'remote');
    if (below(6) > 0) continue;
    await writer.apply(Y.encodeStateAsUpdate(doc, await writer.bytes('vector')));
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
  for (const update of delivered) await reader.apply(update);
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

const [writer, reader] = [new Peer(), new Peer()];
let [updates, same] = [0, 0];
for (let i = 0; i < documents; i++) {
  const result = await run(writer, reader);
  updates += result.updates;
  same += result.same;
}
console.log(`${documents} documents, ${updates} updates: equal; ${same} encodings are yjs' own byte for byte`);
writer.child.stdin.end();
reader.child.stdin.end();
