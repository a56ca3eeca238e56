// Credit is bought by Lightning, and pays by it: the npm wallet of Cashu, unmodified, a node, a real
// relay, and a wallet service (NIP-47) of the test's own that also does wrong, and goes away:
//
//     node lightning.mjs NODE_BINARY MODEL DATABASE RELAY_BINARY SHOAL_BINARY
//
// Prints a line for each check, then "N passed, N failed"; the exit status says the same.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { getEncodedToken, injectWebSocketImpl, Wallet } from '@cashu/cashu-ts';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import WebSocket from 'ws';

import { checks } from './check.mjs';
import { startNode } from './node.mjs';
import { startRelay } from './relay.mjs';
import { WalletService } from './wallet_service.mjs';

injectWebSocketImpl(WebSocket);

const { check, end } = checks(60000); // ms each
const UNIT = 'ccr';
const MSAT = 2000; // that 0.01 credit is sold for
const sum = (proofs) => proofs.reduce((all, proof) => all + Number(proof.amount), 0);

async function code(promise, wanted) {
    const error = await promise.then(() => assert.fail('it was accepted'), (why) => why);
    assert.equal(error.code, wanted, error.stack);
}

async function away(promise) {
    const error = await promise.then(() => assert.fail('it was accepted'), (why) => why);
    assert.equal(error.status, 503, error.stack);
}

const [binary, model, database, relayBinary, shoal] = process.argv.slice(2);
const relay = await startRelay(relayBinary);
const service = new WalletService(relay.url);
await service.start();
const folder = mkdtempSync(join(tmpdir(), 'shoal-lightning-'));
const file = (name, text, mode = 0o600) => {
    writeFileSync(join(folder, name), text, { mode });
    return join(folder, name);
};
const seed = join(folder, 'seed');
const password = file('password', 'a password\n');
const policy = file('policy', JSON.stringify({ unit_msat: MSAT, buy_max: 10000, pay_max: 5000,
    pay_fee_ppm: 20000, pay_fee_min: 3 }));
const connection = file('connection', `${service.uri}\n`);
execFileSync(binary, ['mint', 'init', seed, '--mint-password-file', password]);

const serve = (...more) => startNode(binary, '--mint', seed, '--mint-password-file', password,
    '--mint-policy', policy, '--database', database, '--wallet-connect', connection, ...more, model);
let node = await serve();
const { url } = node;
await node.line('the wallet service is there');

// Where it was before.
async function restart() {
    node = await serve('--listen', new URL(url).host);
}

async function open(options) {
    const wallet = new Wallet(url, { unit: UNIT, ...options });
    await wallet.loadMint();
    return wallet;
}

// Of what the wallet would not even ask.
const refusal = async (path, body) => (await (await fetch(`${url}/v1/${path}`,
    { method: 'POST', body: JSON.stringify(body) })).json()).code;

const sql = (text) => execFileSync('psql', ['-qtA', database, '-c', `SET search_path = shoal_node; ${text}`])
    .toString().trim();

// Resolves when the quote is paid, as the mint tells over its websocket.
function told(wallet, quote) {
    return new Promise((resolve, reject) => {
        wallet.on.mintQuotePaid(quote.quote, resolve, reject).catch(reject);
    });
}

async function buy(wallet, amount) {
    const quote = await wallet.createMintQuoteBolt11(amount);
    const heard = told(wallet, quote);
    service.receive(quote.request);
    await heard;
    return wallet.mintProofsBolt11(amount, quote);
}

// Of coins, those that pay a quote, and the rest.
function choose(wallet, coins, quote) {
    return wallet.send(Number(quote.amount) + Number(quote.fee_reserve), coins);
}

const states = async (wallet, proofs) =>
    [...new Set((await wallet.checkProofsStates(proofs)).map(({ state }) => state))].join();

// When the mint says that they are PENDING no more.
async function settled(proofs) {
    const wallet = await open();
    let forget;
    await new Promise((resolve, reject) => {
        forget = wallet.on.proofStateUpdates(proofs, ({ state }) => state !== 'PENDING' && resolve(), reject);
        forget.catch(reject);
    });
    (await forget)();
}

// Resolves with what the node asks next, which the relay passes on though the service is away.
async function overheard() {
    const socket = new WebSocket(relay.url);
    await new Promise((resolve, reject) => { socket.once('open', resolve).once('error', reject); });
    const messages = { EOSE: () => {}, EVENT: () => {} };
    const listening = new Promise((resolve) => { messages.EOSE = resolve; });
    const asked = new Promise((resolve) => { messages.EVENT = resolve; });
    socket.on('message', (bytes) => messages[JSON.parse(bytes)[0]]?.());
    socket.send(JSON.stringify(['REQ', 'o', { kinds: [23194], limit: 0 }]));
    await listening;
    return { asked: asked.then(() => socket.close()) };
}

const mine = await open();
let coins = [];

await check('who has the file alone may read it', async () => {
    chmodSync(connection, 0o644);
    const { status, stderr } = spawnSync(binary, ['serve', '--listen', '127.0.0.1:0', '--mint', seed,
        '--mint-password-file', password, '--database', database, '--wallet-connect', connection,
        model]);
    chmodSync(connection, 0o600);
    assert.equal(status, 1);
    assert.match(stderr.toString(), /others may read/);
});

await check('credit is bought by an invoice, and issued once it is paid', async () => {
    const quote = await mine.createMintQuoteBolt11(1000, 'for the swarm');
    assert.equal(quote.state, 'UNPAID');
    assert.equal(service.find(quote.request).amount, 1000 * MSAT);
    await code(mine.mintProofsBolt11(1000, quote), 20001);
    const heard = told(mine, quote);
    service.receive(quote.request);
    await heard;
    coins = await mine.mintProofsBolt11(1000, quote);
    assert.equal(sum(coins), 1000);
    await code(mine.mintProofsBolt11(1000, quote), 20002);
});

await check('a quote that is locked to a key is issued to that key alone', async () => {
    const privkey = randomBytes(32).toString('hex');
    const pubkey = Buffer.from(secp256k1.getPublicKey(Buffer.from(privkey, 'hex'), true)).toString('hex');
    const quote = await mine.createLockedMintQuote(64, pubkey);
    const heard = told(mine, quote);
    service.receive(quote.request);
    await heard;
    await code(mine.mintProofsBolt11(64, { ...quote, pubkey: undefined }), 20008);
    const got = await mine.mintProofsBolt11(64, quote, { privkey });
    coins = [...coins, ...got];
});

await check('a payment that nobody told of is found when it is asked for', async () => {
    const quote = await mine.createMintQuoteBolt11(8);
    service.receive(quote.request, { tells: false });
    assert.equal((await mine.checkMintQuoteBolt11(quote.quote)).state, 'PAID');
    coins = [...coins, ...await mine.mintProofsBolt11(8, quote)];
});

await check('too little is not enough, said twice is paid once, and nothing wrong is taken', async () => {
    const quote = await mine.createMintQuoteBolt11(100);
    service.receive(quote.request, { amount: 99 * MSAT });
    assert.equal((await mine.checkMintQuoteBolt11(quote.quote)).state, 'UNPAID');
    const other = await mine.createMintQuoteBolt11(4);
    const heard = told(mine, other);
    service.receive(other.request);
    service.receive(other.request);
    await heard;
    coins = [...coins, ...await mine.mintProofsBolt11(4, other)];
    service.receive(other.request);
    await code(mine.mintProofsBolt11(4, other), 20002);
    service.answers.make_invoice = function wrong({ amount }) {
        return this.make_invoice({ amount: amount - MSAT });
    };
    await away(mine.createMintQuoteBolt11(5));
    service.answers.make_invoice = () => ({ ...service.find(other.request) });
    await away(mine.createMintQuoteBolt11(4)); // an old invoice
    delete service.answers.make_invoice;
    await code(mine.createMintQuoteBolt11(10001), 11006);
    assert.equal(await refusal('mint/quote/bolt11', { unit: 'ccr-promo', amount: 10 }), 11013);
});

await check('an invoice is paid, and what was reserved and not used comes back', async () => {
    const invoice = service.foreign(200 * MSAT - 1);
    const quote = await mine.createMeltQuoteBolt11(invoice);
    assert.equal(Number(quote.amount), 200);
    assert.equal(Number(quote.fee_reserve), 4);
    const { keep, send } = await choose(mine, coins, quote);
    service.answers.pay_invoice = ({ invoice: asked }) => {
        const { preimage } = service.settle(asked);
        return { preimage, fees_paid: MSAT + 1 };
    };
    const melted = await mine.meltProofsBolt11(quote, send);
    assert.equal(melted.quote.state, 'PAID');
    assert.equal(melted.quote.payment_preimage, service.find(invoice).preimage);
    assert.equal(sum(melted.change), sum(send) - 200 - 2);
    assert.equal(await states(mine, send), 'SPENT');
    coins = [...keep, ...melted.change];
});

await check('what cannot be paid gives all back, and may be tried again', async () => {
    const invoice = service.foreign(50 * MSAT);
    const quote = await mine.createMeltQuoteBolt11(invoice);
    const { keep, send } = await choose(mine, coins, quote);
    for (const failure of ['PAYMENT_FAILED', 'INSUFFICIENT_BALANCE']) {
        service.answers.pay_invoice = () => ({ error: { code: failure, message: 'no route' } });
        await code(mine.meltProofsBolt11(quote, send), 20004);
        assert.equal(await states(mine, send), 'UNSPENT');
    }
    delete service.answers.pay_invoice;
    const melted = await mine.meltProofsBolt11(quote, send);
    assert.equal(sum(melted.change), sum(send) - 50 - 1);
    coins = [...keep, ...melted.change];
});

await check('it may be too much, too late, or no invoice at all', async () => {
    await code(mine.createMeltQuoteBolt11(service.foreign(5001 * MSAT)), 11006);
    await code(mine.createMeltQuoteBolt11(service.foreign(MSAT, { at: 1000, life: 60 })), 20004);
    assert.equal(await refusal('melt/quote/bolt11', { unit: 'ccr-promo', request: 'lnbc' }), 11013);
    assert.equal(await refusal('melt/quote/bolt11', { unit: UNIT, request: 'lnbc1nonsense' }), 10000);
});

await check('nobody pays an invoice that another pays, and what proves nothing is not believed', async () => {
    const invoice = service.foreign(30 * MSAT);
    const [one, two] = [await mine.createMeltQuoteBolt11(invoice),
        await mine.createMeltQuoteBolt11(invoice)];
    const { keep, send } = await choose(mine, coins, one);
    const second = await choose(mine, keep, two);
    service.answers.pay_invoice = () => undefined;
    service.answers.lookup_invoice = () => ({ type: 'outgoing', state: 'pending', amount: 30 * MSAT });
    const asked = service.next('pay_invoice');
    const melted = mine.meltProofsBolt11(one, send);
    const request = await asked;
    await code(mine.meltProofsBolt11(two, second.send), 20005);
    assert.equal(await states(mine, second.send), 'UNSPENT');
    // Of another request; then without what shows that it was paid.
    const older = service.requests.find(({ method }) => method === 'pay_invoice');
    service.answer(request, { preimage: service.find(invoice).preimage }, { id: older.event.id });
    const looked = service.next('lookup_invoice');
    service.answer(request, { preimage: '00'.repeat(32), fees_paid: 0 });
    await looked;
    assert.equal(await states(mine, send), 'PENDING');
    assert.equal((await mine.checkMeltQuoteBolt11(one.quote)).state, 'PENDING');
    await code(mine.meltProofsBolt11(two, send), 11002);
    delete service.answers.lookup_invoice;
    service.note('payment_sent', service.settle(invoice, 0));
    const { change } = await melted;
    assert.equal(sum(change), sum(send) - 30);
    service.answer(request, { preimage: service.find(invoice).preimage, fees_paid: 5 * MSAT }); // too late
    delete service.answers.pay_invoice;
    assert.equal(service.requests.filter(({ method, params }) =>
        method === 'pay_invoice' && params.invoice === invoice).length, 1);
    coins = [...second.keep, ...second.send, ...change];
});

await check('who prefers to hear later is told at once that it is pending', async () => {
    const invoice = service.foreign(10 * MSAT);
    const quote = await mine.createMeltQuoteBolt11(invoice);
    const { keep, send } = await choose(mine, coins, quote);
    const asked = service.next('pay_invoice');
    service.answers.pay_invoice = () => undefined;
    const preview = await mine.prepareMelt('bolt11', quote, send);
    const melted = await mine.completeMelt(preview, undefined, { preferAsync: true });
    assert.equal(melted.quote.state, 'PENDING');
    const paid = new Promise((resolve, reject) => {
        mine.on.meltQuotePaid(quote.quote, resolve, reject).catch(reject);
    });
    service.answer(await asked, service.pay_invoice({ invoice }));
    delete service.answers.pay_invoice;
    await paid;
    const end = await mine.checkMeltQuoteBolt11(quote.quote);
    assert.equal(end.state, 'PAID');
    coins = [...keep];
});

// shoal wallet, at a home of its own.
const home = mkdtempSync(join(tmpdir(), 'shoal-lightning-home-'));
const key = ['--key', join(home, 'key'), '--password-file', password];
function run(...words) {
    const { status, stdout, stderr } = spawnSync(shoal, [...words, '--json'], { cwd: home });
    return { status, said: stdout.toString().trim().split('\n').filter(Boolean).map(JSON.parse),
        error: stderr.toString() };
}
const wallet = (...words) => run('wallet', ...words, '--home', home, ...key);
const balance = () => run('wallet', 'balance', '--home', home).said
    .reduce((all, { units }) => all + units, 0);

// While it runs, the service answers: nothing here may wait for it in the same thread.
function later(...words) {
    return new Promise((resolve) => {
        const one = spawn(shoal, ['wallet', ...words, '--json', '--home', home, ...key]);
        let said = '', error = '';
        one.stdout.on('data', (bytes) => { said += bytes; });
        one.stderr.on('data', (bytes) => { error += bytes; });
        one.once('exit', (status) => resolve({ status, error,
            said: said.trim().split('\n').filter(Boolean).map(JSON.parse) }));
    });
}

await check('shoal wallet buys, and pays an invoice', async () => {
    assert.equal(run('identity', 'new', '--cost', '4', ...key).status, 0);
    assert.equal(wallet('mint', 'add', url).status, 0);
    const { said: [{ request, units }], error } = await later('buy', '5');
    assert.equal(units, 500, error);
    assert.equal((await later('sync')).said[0].open, 1);
    assert.equal(balance(), 0);
    service.receive(request, { tells: false });
    while ((await later('sync')).said[0].open > 0);
    assert.equal(balance(), 500);
    const invoice = service.foreign(100 * MSAT);
    const dear = await later('pay', invoice, '--max', '1.02');
    assert.equal(dear.status, 1);
    assert.match(dear.error, /up to 1.03 credits/);
    const paid = await later('pay', invoice, '--max', '1.03');
    assert.equal(paid.error, '');
    assert.deepEqual([paid.said[0].paid, paid.said[0].preimage], [101, service.find(invoice).preimage]);
    assert.equal(balance(), 399);
    service.answers.pay_invoice = () => ({ error: { code: 'PAYMENT_FAILED', message: 'no route' } });
    const unpaid = await later('pay', service.foreign(100 * MSAT));
    assert.equal(unpaid.status, 1);
    assert.match(unpaid.error, /given back/);
    delete service.answers.pay_invoice;
    assert.equal(balance(), 399);
});

await check('a token of either wallet is taken by the other', async () => {
    const { said: [{ token }] } = await later('send', '0.64', '--unit', UNIT);
    const got = await mine.receive(token, { requireDleq: true });
    assert.equal(sum(got), 64);
    assert.equal(balance(), 399 - 64);
    await code(mine.receive(token), 11001);
    // Coins that are made anew have the mint's proof; cashu-ts leaves it out of those that go as they are.
    const { keep, send } = await mine.send(64, [...coins, ...got], {},
        { send: { type: 'random', denominations: [8, 8, 16, 32] } });
    const [a, b, c, d] = send.toSorted((one, other) => Number(one.amount) - Number(other.amount));
    for (const [version, proofs] of [[4, [a, d]], [3, [b, c]]]) {
        const path = file(`token${version}`, getEncodedToken({ mint: url, proofs, unit: UNIT }, { version }));
        const { status, error } = await later('receive', path);
        assert.equal(status, 0, error);
    }
    assert.equal(balance(), 399);
    assert.equal(await states(mine, send), 'SPENT');
    coins = keep;
});

await check('what is not over while one waits is ended by shoal wallet sync', async () => {
    const invoice = service.foreign(100 * MSAT);
    service.answers.pay_invoice = () => undefined;
    const asked = service.next('pay_invoice');
    const waiting = later('pay', invoice, '--timeout', '1');
    const request = await asked;
    assert.equal((await waiting).status, 1);
    service.answer(request, service.pay_invoice({ invoice }));
    delete service.answers.pay_invoice;
    while ((await later('sync')).said[0].open > 0);
    assert.equal(balance(), 298);
});

// The node is killed while the service pays: what becomes of the money is what became of the payment.
for (const [title, become, state] of [
    ['paid', (invoice) => service.settle(invoice, 0), 'SPENT'],
    ['not paid', (invoice) => Object.assign(service.find(invoice), { state: 'failed' }), 'UNSPENT'],
]) {
    await check(`killed between asking and hearing, of one that is ${title}`, async () => {
        const invoice = service.foreign(20 * MSAT);
        const quote = await mine.createMeltQuoteBolt11(invoice);
        const { keep, send } = await choose(mine, coins, quote);
        const asked = service.next('pay_invoice');
        service.answers.pay_invoice = () => undefined;
        const lost = mine.meltProofsBolt11(quote, send).then(() => assert.fail('answered'), () => {});
        const request = await asked;
        await Promise.all([node.kill(), lost]);
        become(invoice);
        service.answer(request, { error: { code: 'PAYMENT_FAILED', message: 'nobody hears this' } });
        const looked = service.next('lookup_invoice');
        await restart();
        await looked;
        await settled(send);
        assert.equal(await states(mine, send), state);
        delete service.answers.pay_invoice;
        assert.equal(service.requests.filter(({ method, params }) =>
            method === 'pay_invoice' && params.invoice === invoice).length, 1);
        coins = state === 'SPENT' ? keep : [...keep, ...send];
    });
}

await check('killed before the service has heard of it: given back when it never can', async () => {
    const invoice = service.foreign(20 * MSAT);
    const quote = await mine.createMeltQuoteBolt11(invoice);
    const { keep, send } = await choose(mine, coins, quote);
    service.stop();
    const { asked } = await overheard();
    const lost = mine.meltProofsBolt11(quote, send).then(() => assert.fail('answered'), () => {});
    await asked;
    assert.equal(sql('SELECT count(*) FROM payment WHERE state = 2'), '1'); // put down before it was sent
    await Promise.all([node.kill(), lost]);
    await service.start();
    let looked = service.next('lookup_invoice');
    await restart();
    await looked;
    assert.equal(await states(mine, send), 'PENDING'); // it might still come
    looked = service.next('lookup_invoice');
    sql("UPDATE payment SET until = until - 1000; SELECT pg_notify('shoal_node_payment', '')");
    await looked;
    await settled(send);
    assert.equal(await states(mine, send), 'UNSPENT');
    coins = [...keep, ...send];
});

await check('while the service is away nothing is sold; what was paid then is found', async () => {
    const quote = await mine.createMintQuoteBolt11(16);
    service.stop();
    await away(mine.createMintQuoteBolt11(16));
    service.receive(quote.request, { tells: false });
    const heard = told(mine, quote);
    await service.start();
    await heard;
    coins = [...coins, ...await mine.mintProofsBolt11(16, quote)];
});

await check('all of it adds up', async () => {
    const all = Number(sql('SELECT sum(issued - spent) FROM entry'));
    assert.ok(all >= sum(coins));
    const { status, stdout } = spawnSync(binary, ['audit', '--database', database]);
    assert.equal(status, 0, stdout.toString());
    assert.equal(await states(mine, coins), 'UNSPENT');
});

await check('the node ends', () => node.stop());
service.stop();
await check('the relay ends', async () => assert.equal((await relay.stop()).code, 0));
rmSync(folder, { recursive: true });
rmSync(home, { recursive: true });
end();
