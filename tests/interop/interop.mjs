// Real clients, unmodified, against the real relay:
//
//     node interop.mjs RELAY_BINARY [SHOAL_BINARY]
//
// Prints a line for each check, then "N passed, N failed"; the exit status says the same.
import assert from 'node:assert/strict';

import WebSocket from 'ws';

import { bunkers } from './bunker.mjs';
import { checks } from './check.mjs';
import { languageModels } from './mcp.mjs';
import { startRelay } from './relay.mjs';

const { check, end } = checks(30000); // ms each
const PAST = 1700000000;
const PAGES = 35; // events
const PAGE = 10;

globalThis.WebSocket = WebSocket; // which Node 20 lacks and browsers have

function note(content, more = {}) {
    return { kind: 1, content, tags: [], created_at: Math.floor(Date.now() / 1000), ...more };
}

const byTime = (a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
const ids = (events) => events.map((event) => event.id).sort();

async function publishes(alice, bob) {
    const content = 'h\u00e9llo \u{1f41f} "quoted" \\ line\nbreak\ttab \u2028 \u{10fff2}';
    const event = await alice.publish(note(content, { tags: [['t', 'fish'], ['r', 'x']] }));
    const [found, ...rest] = await bob.query({ ids: [event.id] });
    assert.equal(rest.length, 0);
    for (const key of ['id', 'pubkey', 'kind', 'created_at', 'content', 'sig'])
        assert.deepEqual(found[key], event[key]);
    assert.deepEqual(found.tags, [['t', 'fish'], ['r', 'x']]);
    assert.deepEqual(ids(await bob.query({ authors: [alice.pubkey], '#t': ['fish'] })), [event.id]);
    assert.deepEqual(await bob.query({ authors: [alice.pubkey], '#t': ['fowl'] }), []);
}

async function subscribes(alice, bob) {
    const heard = [];
    let arrived;
    const both = new Promise((resolve) => (arrived = resolve));
    const stored = await alice.publish(note('stored', { tags: [['t', 'live']] }));
    const close = await bob.live({ authors: [alice.pubkey], '#t': ['live'] }, (event) => {
        heard.push(event.id);
        if (heard.length === 2) arrived();
    });
    const live = await alice.publish(note('live', { tags: [['t', 'live']] }));
    await both;
    assert.deepEqual(heard, [stored.id, live.id]);
    await close();
}

async function pages(alice, bob) {
    const events = [];
    for (let i = 0; i < PAGES; i++)
        events.push(await alice.publish(note(`${i}`, { kind: 1111, created_at: PAST + i })));
    const found = [];
    let until = PAST + PAGES;
    for (;;) {
        const filter = { authors: [alice.pubkey], kinds: [1111], until, limit: PAGE };
        const page = (await bob.query(filter)).sort(byTime);
        found.push(...page);
        if (page.length < PAGE) break;
        until = page.at(-1).created_at - 1;
    }
    assert.deepEqual(found.map((event) => event.id), events.reverse().map((event) => event.id));
}

async function authenticates(alice, bob) {
    const tags = [['p', bob.pubkey]];
    const wrap = await alice.publish(note('sealed', { kind: 1059, tags, created_at: PAST }));
    const mine = { kinds: [1059], '#p': [bob.pubkey] };
    assert.deepEqual(ids(await bob.query(mine)), [wrap.id]); // auth-required at first
    const kept = await alice.publish(note('mine to publish', { tags: [['-']] }));
    assert.deepEqual(ids(await bob.query({ ids: [kept.id] })), [kept.id]);
}

async function counts(alice, bob) {
    for (let i = 0; i < 7; i++)
        await alice.publish(note(`${i}`, { kind: 7, tags: [['k', '1']], created_at: PAST + i }));
    const filter = { kinds: [7], authors: [alice.pubkey], '#k': ['1'] };
    assert.equal(await bob.count(filter), 7);
    assert.equal(await bob.count({ ...filter, since: PAST + 5 }), 2);
}

async function replaces(alice, bob) {
    await alice.publish(note('{"name":"old"}', { kind: 0, created_at: PAST }));
    const profile = await alice.publish(note('{"name":"new"}', { kind: 0, created_at: PAST + 1 }));
    const tags = [['d', 'x']];
    await alice.publish(note('old', { kind: 30023, tags, created_at: PAST }));
    const article = await alice.publish(note('new', { kind: 30023, tags, created_at: PAST + 1 }));
    const found = await bob.query({ authors: [alice.pubkey], kinds: [0, 30023] });
    assert.deepEqual(ids(found), ids([profile, article]));
}

async function deletes(alice, bob) {
    const event = await alice.publish(note('regretted'));
    await alice.publish(note('', { kind: 5, tags: [['e', event.id]] }));
    assert.deepEqual(await bob.query({ ids: [event.id] }), []);
    await assert.rejects(async () => {
        await bob.publish(note('too long ago to be new', { created_at: Date.now() }));
    }); // a refusal reaches the caller
}

/* NIP-77, of clients that can. Both sides have more than they list at once. */
async function reconciles(alice, bob) {
    const events = [];
    for (let i = 0; i < 90; i++)
        events.push(await alice.publish(note(`${i}`, { kind: 1112, created_at: PAST + (i >> 2) })));
    const other = { id: 'ab'.repeat(32), created_at: PAST + 7 };
    const filter = { authors: [alice.pubkey], kinds: [1112] };
    const { have, need } = await bob.reconcile([...events.slice(10, 70), other], filter);
    assert.deepEqual(have, [other.id]);
    assert.deepEqual(need.sort(), ids([...events.slice(0, 10), ...events.slice(70)]));
}

const scenarios = [publishes, subscribes, pages, authenticates, counts, replaces, deletes, reconciles];

async function run(client, url) {
    for (const scenario of scenarios.filter((s) => s !== reconciles || client.reconciles))
        await check(`${client.name} ${scenario.name}`, async () => {
            const alice = await client.open(url);
            const bob = await client.open(url);
            await scenario(alice, bob);
            await alice.close();
            await bob.close();
        });
}

const relay = await startRelay(process.argv[2]);
for (const file of ['nostr_tools', 'ndk', 'rust_nostr'])
    await run(await import(`./clients/${file}.mjs`), relay.url);
if (process.argv[3]) {
    await bunkers(check, relay.url, process.argv[3]);
    await languageModels(check, relay.url, process.argv[3]);
}
await check('the relay ends cleanly', async () => {
    const { code, log } = await relay.stop();
    assert.equal(code, 0, log);
    assert.doesNotMatch(log, /Sanitizer|runtime error:/);
});
end();
