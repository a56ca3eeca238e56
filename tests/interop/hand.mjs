// An editor with yjs, fed by hand: what it writes goes through shoal doc apply, as bytes or base64, as
// a whole document or as what is new; what shoal doc export gives goes into it. Meanwhile the text is
// edited, undone and made again by the command line. Both have the same text after each step.
//
//     node hand.mjs SHOAL DOCUMENTS SEED
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as Y from 'yjs';

import { begin, below, edit, pick, position, words } from './edits.mjs';

const [shoal, documents, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] ?? Date.now() % 1e9)];
const ROUNDS = 8;
const folder = mkdtempSync(join(tmpdir(), 'hand-'));
const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: '', XDG_DATA_HOME: '', SHOAL_HOME: join(folder, 'store'), SHOAL_KEY_FILE: join(folder, 'key') };
const run = (args, input = '') => execFileSync(shoal, args, { cwd: folder, env, input, stdio: ['pipe', 'pipe', 'inherit'], maxBuffer: 1 << 26 });
const write = (verb, ...args) => JSON.parse(run([...verb.split(' '), '--password-file', 'password', ...args]));
const counts = { applied: 0, edited: 0, undone: 0, redone: 0 };

// Not where the editor deleted all that there was to be taken back.
function attempt(verb, root) {
  const { status, stderr } = spawnSync(shoal, [...verb.split(' '), root, '--password-file', 'password'], { cwd: folder, env });
  if (status !== 0 && !/has written nothing to/.test(stderr)) throw new Error(`${verb}: ${stderr}`);
  return status === 0;
}

function same(root, doc, when) {
  const shown = JSON.parse(run(['doc', 'show', root])).text;
  const text = doc.getText('text').toString();
  if (shown !== text) throw new Error(`${when}: ${JSON.stringify(shown)} and not ${JSON.stringify(text)}`);
}

// What the editor wrote: all of it, or what was not there; what was there says nothing twice.
function publish(root, doc, known) {
  const update = Buffer.from(below(2) ? Y.encodeStateAsUpdate(doc) : Y.encodeStateAsUpdate(doc, known));
  const base64 = below(2) ? ['--base64'] : [];
  run(['doc', 'apply', root, '-', '--password-file', 'password', ...base64], base64.length ? update.toString('base64') : update);
  counts.applied++;
}

function fetch(root, doc) {
  const how = below(3);
  writeFileSync(join(folder, 'vector'), Y.encodeStateVector(doc));
  const since = how === 0 ? [] : ['--since', 'vector'];
  const out = run(['doc', 'export', root, ...since, ...(how === 2 ? ['--base64'] : [])]);
  Y.applyUpdate(doc, how === 2 ? Buffer.from(out.toString(), 'base64') : out, 'remote');
}

// The command line's own edit, or one taken back, or made again.
function change(root, doc, own) {
  const text = doc.getText('text').toString();
  const how = own.redo.length > 0 && below(2) ? 2 : below(2);
  if (how === 1 && own.undo.length > 0) {
    if (!attempt('doc undo', root)) { own.undo = []; return; }
    own.redo.push(own.undo.pop());
    counts.undone++;
  } else if (how === 2 && own.redo.length > 0) {
    if (!attempt('doc redo', root)) { own.redo = []; return; }
    own.undo.push(own.redo.pop());
    counts.redone++;
  } else {
    const at = position(text);
    const next = `${text.slice(0, at)}${pick(words)}x${text.slice(at)}`.trim();
    if (next === text) return;
    write('doc edit', root, '--', next);
    own.undo.push(next);
    own.redo = [];
    counts.edited++;
  }
}

try {
  begin(seed);
  writeFileSync(join(folder, 'password'), 'secret\n');
  run(['identity', 'new', '--password-file', 'password', '--cost', '4']);
  for (let i = 0; i < documents; i++) {
    const root = write('new', 'note').id;
    const doc = new Y.Doc();
    const own = { undo: [], redo: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const known = Y.encodeStateVector(doc);
      const before = Buffer.from(Y.encodeStateAsUpdate(doc));
      for (let j = 1 + below(4); j > 0; j--) edit(doc);
      if (!before.equals(Y.encodeStateAsUpdate(doc))) publish(root, doc, known);
      same(root, doc, 'published');
      change(root, doc, own);
      fetch(root, doc);
      same(root, doc, 'fetched');
      if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) throw new Error('something waits in yjs');
    }
    const late = new Y.Doc();
    fetch(root, late);
    same(root, late, 'late');
  }
  const few = Object.entries(counts).filter(([, count]) => count < documents / 5);
  if (few.length > 0) throw new Error(`too few: ${JSON.stringify(few)}`);
  console.log(`${documents} documents: ${JSON.stringify(counts)}`);
} finally {
  rmSync(folder, { recursive: true });
}
