// The work of bench_client's type, apply and load, done by yjs and automerge:
//
//     node --expose-gc text.mjs yjs|automerge type TRACE DOCUMENT [UPDATES]
//     node --expose-gc text.mjs yjs apply UPDATES DOCUMENT
//     node --expose-gc text.mjs yjs|automerge load DOCUMENT
//
// Lines of "name value". Seconds of the processor, of all of the process's threads: its collector of
// garbage is part of what it costs. UPDATES: the update that each edit makes, as editors send them.
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';

const [library, what, from, to, updatesTo] = process.argv.slice(2);
const LOADS = 5;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const say = (name, value) => console.log(`${name} ${value}`);

function readTrace() {
  return readFileSync(from, 'utf8').trimEnd().split('\n').map((line) => {
    const [at, count, letter] = line.split(' ');
    return [Number(at), Number(count), letter];
  });
}

async function withYjs() {
  const Y = await import('yjs');
  const edit = (text, [at, count, letter]) => (count > 0 ? text.delete(at, count) : text.insert(at, letter));
  const save = (doc) => {
    const start = cpuMs();
    const bytes = Y.encodeStateAsUpdate(doc);
    say('encode_ms', (cpuMs() - start).toFixed(2));
    say('bytes', bytes.length);
    writeFileSync(to, bytes);
  };
  return {
    async type() {
      const edits = readTrace();
      if (updatesTo) {
        const doc = new Y.Doc();
        doc.clientID = 1;
        const out = createWriteStream(updatesTo);
        doc.on('update', (update) => {
          const head = Buffer.alloc(4);
          head.writeUInt32LE(update.length);
          out.write(Buffer.concat([head, update]));
        });
        for (const one of edits) edit(doc.getText('text'), one);
        out.end();
        await once(out, 'finish');
      }
      const doc = new Y.Doc();
      doc.clientID = 1;
      const text = doc.getText('text');
      const start = cpuMs();
      for (const one of edits) edit(text, one);
      say('type_ms', (cpuMs() - start).toFixed(1));
      say('units', text.length);
      save(doc);
    },
    apply() {
      const all = readFileSync(from);
      const updates = [];
      for (let at = 0; at < all.length;) {
        const length = all.readUInt32LE(at);
        updates.push(new Uint8Array(all.subarray(at + 4, at + 4 + length)));
        at += 4 + length;
      }
      const doc = new Y.Doc();
      const start = cpuMs();
      for (const update of updates) Y.applyUpdate(doc, update);
      say('apply_ms', (cpuMs() - start).toFixed(1));
      say('units', doc.getText('text').length);
      save(doc);
    },
    load(bytes) {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, bytes);
      return doc;
    },
  };
}

async function withAutomerge() {
  const A = await import('@automerge/automerge');
  return {
    type() {
      const edits = readTrace();
      let doc = A.from({ text: '' });
      const start = cpuMs();
      doc = A.change(doc, (draft) => {
        for (const [at, count, letter] of edits) A.splice(draft, ['text'], at, count, count > 0 ? '' : letter);
      });
      say('type_ms', (cpuMs() - start).toFixed(1));
      say('units', doc.text.length);
      const begin = cpuMs();
      const bytes = A.save(doc);
      say('encode_ms', (cpuMs() - begin).toFixed(2));
      say('bytes', bytes.length);
      writeFileSync(to, bytes);
    },
    load: (bytes) => A.load(bytes),
  };
}

const does = library === 'yjs' ? await withYjs() : await withAutomerge();
if (what === 'load') {
  const bytes = new Uint8Array(readFileSync(from));
  global.gc();
  const before = process.memoryUsage().rss;
  const docs = [];
  let start = cpuMs();
  docs.push(does.load(bytes));
  say('first_load_ms', (cpuMs() - start).toFixed(2)); // as a program just begun does it
  say('memory', process.memoryUsage().rss - before);
  start = cpuMs();
  for (let i = 0; i < LOADS; i++) docs.push(does.load(bytes));
  say('load_ms', ((cpuMs() - start) / LOADS).toFixed(2));
} else await does[what]();
