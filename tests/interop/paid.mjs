// The npm clients of Cashu and of OpenAI, unmodified, buy answers of a node with the demonstration
// model: by a melt of the wallet's own, and by a token in place of a key:
//
//     node paid.mjs NODE_BINARY MODEL DATABASE [ROUNDS]
//
// With ROUNDS it also measures what payment adds, beside the same call with the operator's key, in turn.
// Prints a line for each check, then "N passed, N failed"; the exit status says the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodePaymentRequest, getDecodedToken, getEncodedToken, OutputData, Wallet }
    from '@cashu/cashu-ts';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { verifyEvent } from 'nostr-tools';
import OpenAI from 'openai';

import { checks } from './check.mjs';
import { startNode } from './node.mjs';

const { check, end } = checks(120000); // ms each
const UNIT = 'ccr-promo';
const GRANT = 1000;
const HELLO = [{ role: 'user', content: 'Hello' }];
const SAID = 'Hello! Ask me what a relay is.';
const JOB = { messages: HELLO, temperature: 0, max_tokens: 60 };
const ASIS = { normalize: (raw) => ({ ...raw }) };
const sum = (proofs) => proofs.reduce((all, proof) => all + Number(proof.amount), 0);

const [binary, model, database, rounds] = process.argv.slice(2);
const KEY = 'an api key';
const folder = mkdtempSync(join(tmpdir(), 'shoal-paid-'));
const file = (name, text) => {
    const path = join(folder, name);
    if (text !== undefined)
        writeFileSync(path, text, { mode: 0o600 });
    return path;
};
const password = file('password', 'a password\n');
const policy = file('policy', JSON.stringify({ pow_bits: 8, address_grant: 100000 }));
for (const name of ['seed', 'key'])
    execFileSync(binary, ['mint', 'init', file(name), '--mint-password-file', password]);

const node = await startNode(binary, '--name', 'demo', '--mint', file('seed'),
    '--mint-password-file', password, '--mint-policy', policy, '--database', database,
    '--api-key-file', file('keys', `${KEY}
`), '--price', '100000/400000/10000/1',
    '--key', file('key'), '--password-file', password, model);
const { url } = node;

const wallet = new Wallet(url, { unit: UNIT });
await wallet.loadMint();

// As the mint's specification says: a hash with so many leading zero bits.
async function work(key) {
    const info = await (await fetch(`${url}/v1/info`)).json();
    const { pow_bits: bits } = info.nuts['4'].methods[0].options;
    for (let nonce = 0; ; nonce++) {
        const hash = createHash('sha256')
            .update(`Shoal_Grant_v1:${info.pubkey}:${key}:1:${nonce}`).digest();
        if (hash.readUInt32BE(0) >>> (32 - bits) === 0)
            return String(nonce);
    }
}

async function coinsOf() {
    const privkey = randomBytes(32).toString('hex');
    const point = secp256k1.getPublicKey(Buffer.from(privkey, 'hex'), true);
    const pubkey = Buffer.from(point).toString('hex');
    const quote = await wallet.createMintQuote('grant',
        { amount: GRANT, pubkey, stage: 1, nonce: await work(pubkey) });
    return wallet.mintProofs('grant', GRANT, quote, { privkey });
}

let coins = await coinsOf();

async function spend(amount) {
    const { keep, send } = await wallet.send(amount, coins);
    coins = keep;
    return getEncodedToken({ mint: url, proofs: send, unit: UNIT });
}

async function take(token) {
    const { mint, unit } = getDecodedToken(token, [wallet.keysetId]);
    assert.equal(mint, url);
    assert.equal(unit, UNIT);
    const got = await wallet.receive(token, { requireDleq: true });
    coins.push(...got);
    return sum(got);
}

const open = (token, more) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0,
    defaultHeaders: token === undefined ? {} : { 'X-Cashu': token }, ...more });

await check('a wallet melts for a job, and has the change', async () => {
    const quote = await wallet.createMeltQuote('compute', { request: JSON.stringify(JOB) }, ASIS);
    assert.equal(quote.request, createHash('sha256').update(JSON.stringify(JOB)).digest('hex'));
    assert.equal(Number(quote.amount), 1 + 3);
    assert.equal(Number(quote.fee_reserve), 24);
    const { keep, send } = await wallet.send(28, coins);
    const preview = await wallet.prepareMelt('compute', quote, send);
    const blanks = preview.outputData.map((data) => OutputData.serialize(data));
    await wallet.completeMelt(preview, undefined, { preferAsync: true });
    let end;
    do
        end = await wallet.checkMeltQuote('compute', quote.quote, ASIS);
    while (end.state === 'PENDING');
    assert.equal(end.state, 'PAID');
    assert.match(end.payment_preimage, /^[0-9a-f]{64}$/);
    const change = wallet.createMeltChangeProofs(
        blanks.map((data) => OutputData.deserialize(data)), end.change);
    const cost = 28 - sum(change);
    assert.ok(cost >= 14 && cost <= 16, `it cost ${cost}`);
    coins = [...keep, ...change];
});

await check('without a token it says what is wanted', async () => {
    const error = await open().chat.completions.create({ model: 'demo', ...JOB })
        .then(() => assert.fail('it was answered'), (why) => why);
    assert.equal(error.status, 402);
    assert.equal(error.code, 'payment_required');
    const wanted = decodePaymentRequest(error.headers.get('X-Cashu'));
    assert.equal(Number(wanted.amount), 28);
    assert.equal(wanted.unit, 'ccr');
    assert.deepEqual(wanted.mints, [url]);
});

await check('a chat is bought, and the change comes in its header', async () => {
    const { data, response } = await open(await spend(100)).chat.completions
        .create({ model: 'demo', ...JOB }).withResponse();
    assert.equal(data.choices[0].message.content, SAID);
    assert.equal(data.usage.completion_tokens, 30);
    const cost = 100 - await take(response.headers.get('X-Cashu'));
    assert.ok(cost >= 14 && cost <= 16, `it cost ${cost}`);
    const receipt = JSON.parse(response.headers.get('X-Receipt'));
    assert.equal(receipt.kind, 8430);
    assert.ok(verifyEvent(receipt));
    assert.deepEqual(receipt.tags.find(([name]) => name === 'amount'), ['amount', String(cost), UNIT]);
});

await check('a stream is bought, and the change comes behind its end', async () => {
    let body;
    const tee = async (...call) => {
        const response = await fetch(...call);
        const [left, right] = response.body.tee();
        body = new Response(right).text();
        return new Response(left, response);
    };
    const stream = await open(await spend(100), { fetch: tee }).chat.completions
        .create({ model: 'demo', ...JOB, stream: true });
    let said = '';
    for await (const chunk of stream)
        said += chunk.choices[0]?.delta.content ?? '';
    assert.equal(said, SAID);
    const [, json] = (await body).match(/data: \[DONE\]\n\nevent: change\ndata: (.*)\n\n$/);
    const { token, receipt } = JSON.parse(json);
    const cost = 100 - await take(token);
    assert.ok(cost >= 14 && cost <= 16, `it cost ${cost}`);
    assert.ok(verifyEvent(receipt));
});

await check('a token is good once', async () => {
    const token = await spend(50);
    const { response } = await open(token).completions
        .create({ model: 'demo', prompt: 'A', max_tokens: 3 }).withResponse();
    const error = await open(token).completions.create({ model: 'demo', prompt: 'A', max_tokens: 3 })
        .then(() => assert.fail('it was answered'), (why) => why);
    assert.equal(error.status, 400);
    assert.equal(error.code, 'payment_invalid');
    await take(response.headers.get('X-Cashu'));
});

// ---- what payment adds ----

// Milliseconds until the first word, and until all of it is there; of an answer of one token.
async function time(headers) {
    const began = performance.now();
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify({ ...JOB, max_tokens: 1, stream: true }) });
    assert.equal(response.status, 200);
    let first;
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        text += part;
        if (text.includes('"content":"H'))
            first ??= performance.now() - began;
    }
    return { first, all: performance.now() - began, text };
}

// Of the node, without PostgreSQL; in hundredths.
function processor() {
    const words = readFileSync(`/proc/${node.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(words[11]) + Number(words[12])) * 10;
}

async function measure() {
    const results = { free: [], paid: [] };
    const used = { free: 0, paid: 0 };
    let token = await spend(400);
    for (let i = 0; i < Number(rounds); i++) {
        for (const kind of ['free', 'paid']) {
            const before = processor();
            const result = await time(kind === 'free' ? { Authorization: `Bearer ${KEY}` }
                : { 'X-Cashu': token });
            used[kind] += processor() - before;
            results[kind].push(result);
        }
        token = JSON.parse(results.paid.at(-1).text.match(/event: change\ndata: (.*)/)[1]).token;
        if (getDecodedToken(token, [wallet.keysetId]).proofs.length === 0 || i % 50 === 49) {
            await take(token);
            coins.push(...await coinsOf());
            token = await spend(400);
        }
    }
    const middle = (kind, name) => results[kind].map((result) => result[name])
        .sort((a, b) => a - b)[Math.floor(results[kind].length / 2)];
    for (const kind of ['free', 'paid'])
        console.log(`${kind}: first word after ${middle(kind, 'first').toFixed(2)} ms, all after `
            + `${middle(kind, 'all').toFixed(2)} ms, ${(used[kind] / Number(rounds)).toFixed(2)} ms of a core`);
    console.log(`payment adds ${(middle('paid', 'first') - middle('free', 'first')).toFixed(2)} ms before `
        + `the first word; ${Math.round(1000 * Number(rounds) / used.paid)} paid jobs/s per core of the node`);
}

if (rounds !== undefined)
    await check('what payment adds is measured', measure);

await check('the node ends', () => node.stop());
rmSync(folder, { recursive: true });
end();
