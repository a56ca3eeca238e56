// Random edits of documents of yjs, and peers that speak on standard input and output.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as Y from 'yjs';

let state = 0; // mulberry32
export function begin(seed) {
  state = seed >>> 0;
  console.log(`seed ${seed}`);
}
export function below(bound) {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % bound;
}
export const pick = (list) => list[below(list.length)];

export function shuffled(list) {
  const out = list.slice();
  for (let i = out.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

export class Peer {
  constructor(path) {
    this.child = spawn(path, [], { stdio: ['pipe', 'pipe', 'inherit'] });
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
  end() { this.child.stdin.end(); }
}
export const hex = (bytes) => Buffer.from(bytes).toString('hex') || '-';

export const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
};
export const view = (doc) => JSON.stringify([doc.getText('text').toString(), sorted(doc.getMap('map').toJSON()), doc.getArray('array').toJSON()]);

export const words = ['a', 'bc', 'h\u00e9llo', '\u65e5\u672c', '\n', 'zz', '\ud83d\ude00'];
// A cut through a pair of surrogates is where yjs disagrees with itself: none is made.
const isInPair = (text, at) => at > 0 && at < text.length && /[\udc00-\udfff]/.test(text[at]) && /[\ud800-\udbff]/.test(text[at - 1]);
export function position(text) {
  const at = below(text.length + 1);
  return isInPair(text, at) ? at - 1 : at;
}
export function range(text) {
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

export const edit = (doc) => pick([editText, editText, editText, editMap, editMap, editArray, editArray, format])(doc);
