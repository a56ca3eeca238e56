// The npm wallet of Cashu, unmodified, against the mint of a node:
//
//     node mint.mjs NODE_BINARY MODEL DATABASE
//
// Prints a line for each check, then "N passed, N failed"; the exit status says the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { getEncodedToken, injectWebSocketImpl, P2PKBuilder, Wallet } from '@cashu/cashu-ts';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import WebSocket from 'ws';

import { checks } from './check.mjs';
import { startNode } from './node.mjs';

injectWebSocketImpl(WebSocket);

const { check, end } = checks(60000); // ms each
const UNIT = 'ccr-promo';
const publicKey = (secret) =>
    Buffer.from(secp256k1.getPublicKey(Buffer.from(secret, 'hex'), true)).toString('hex');
const sum = (proofs) => proofs.reduce((all, proof) => all + Number(proof.amount), 0);

async function code(promise, wanted) {
    const error = await promise.then(() => assert.fail('it was accepted'), (why) => why);
    assert.equal(error.code, wanted, error.stack);
}

const [binary, model, database] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'shoal-mint-'));
const seed = join(folder, 'seed');
const password = join(folder, 'password');
const policy = join(folder, 'policy');
writeFileSync(password, 'a password\n', { mode: 0o600 });
writeFileSync(policy, JSON.stringify({ pow_bits: 10, address_grant: 100000, input_fee_ppk: 100 }));
execFileSync(binary, ['mint', 'init', seed, '--mint-password-file', password]);

const node = await startNode(binary, '--mint', seed, '--mint-password-file', password,
    '--mint-policy', policy, '--database', database, model);
const { url } = node;

async function open(options) {
    const wallet = new Wallet(url, { unit: UNIT, ...options });
    await wallet.loadMint();
    return wallet;
}

// As the specification says: a hash with so many leading zero bits.
async function work(key, stage) {
    const info = await (await fetch(`${url}/v1/info`)).json();
    const { pow_bits: bits } = info.nuts['4'].methods[0].options;
    for (let nonce = 0; ; nonce++) {
        const text = `Shoal_Grant_v1:${info.pubkey}:${key}:${stage}:${nonce}`;
        const hash = createHash('sha256').update(text).digest();
        if (hash.readUInt32BE(0) >>> (32 - bits) === 0)
            return String(nonce);
    }
}

async function grant(wallet) {
    const secret = randomBytes(32).toString('hex');
    const key = publicKey(secret);
    const quote = await wallet.createMintQuote('grant',
        { amount: 1000, pubkey: key, stage: 1, nonce: await work(key, 1) });
    assert.equal(quote.state, 'PAID');
    return { quote, privkey: secret };
}

const mine = await open();
let coins;

await check('a grant is minted, its quote signed for', async () => {
    const { quote, privkey } = await grant(mine);
    await code(mine.mintProofs('grant', 1000, { quote: quote.quote }), 20008);
    coins = await mine.mintProofs('grant', 1000, quote, { privkey });
    assert.equal(sum(coins), 1000);
    assert.ok(coins.every((coin) => coin.dleq));
    await code(mine.mintProofs('grant', 1000, quote, { privkey }), 20002);
    assert.equal((await mine.checkMintQuote('grant', quote.quote)).state, 'ISSUED');
});

await check('some is sent and received once, with fees', async () => {
    const { keep, send } = await mine.send(137, coins, { includeFees: true });
    const token = getEncodedToken({ mint: url, proofs: send, unit: UNIT });
    const theirs = await open();
    const got = await theirs.receive(token, { requireDleq: true });
    assert.equal(sum(got), 137);
    const states = await mine.checkProofsStates([...send, ...keep]);
    assert.deepEqual(states.map((state) => state.state),
        [...send.map(() => 'SPENT'), ...keep.map(() => 'UNSPENT')]);
    await code(theirs.receive(token), 11001);
    coins = keep;
});

await check('who waits for a payment is told of it', async () => {
    const { keep, send } = await mine.send(16, coins, { includeFees: true });
    const states = [];
    let heard;
    const unspent = new Promise((resolve) => { heard = resolve; });
    let spent;
    const done = new Promise((resolve) => { spent = resolve; });
    const forget = await mine.on.proofStateUpdates(send, ({ Y, state }) => {
        states.push(`${Y} ${state}`);
        if (states.length === send.length)
            heard();
        if (states.length === 2 * send.length)
            spent();
    }, assert.fail);
    await unspent;
    assert.ok(states.every((state) => state.endsWith(' UNSPENT')));
    await (await open()).receive(getEncodedToken({ mint: url, proofs: send, unit: UNIT }));
    await done;
    assert.ok(states.slice(send.length).every((state) => state.endsWith(' SPENT')));
    assert.equal(new Set(states).size, states.length);
    forget();
    coins = keep;
});

await check('of eight who receive one token at once, one has it', async () => {
    const { keep, send } = await mine.send(64, coins, { includeFees: true });
    const token = getEncodedToken({ mint: url, proofs: send, unit: UNIT });
    const wallets = await Promise.all(Array.from({ length: 8 }, () => open()));
    const results = await Promise.allSettled(wallets.map((wallet) => wallet.receive(token)));
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    for (const { reason } of results.filter((result) => result.status === 'rejected'))
        assert.equal(reason.code, 11001);
    coins = keep;
});

await check('what is locked to a key is spent by that key alone', async () => {
    const secret = randomBytes(32).toString('hex');
    const key = publicKey(secret);
    const { keep, send } = await mine.ops.send(32, coins).asP2PK(
        new P2PKBuilder().addLockPubkey(key).toOptions()).includeFees(true).run();
    const token = getEncodedToken({ mint: url, proofs: send, unit: UNIT });
    const theirs = await open();
    await code(theirs.receive(token), 10001);
    const got = await theirs.receive(token, { privkey: secret });
    assert.equal(sum(got), 32);
    coins = keep;
});

await check('one signature for all that is spent, and for what it is spent on', async () => {
    const secret = randomBytes(32).toString('hex');
    const key = publicKey(secret);
    const { keep, send } = await mine.ops.send(21, coins).asP2PK(
        new P2PKBuilder().addLockPubkey(key).sigAll().toOptions()).includeFees(true).run();
    const token = getEncodedToken({ mint: url, proofs: send, unit: UNIT });
    const got = await (await open()).receive(token, { privkey: secret });
    assert.equal(sum(got), 21);
    coins = keep;
});

await check('a seed finds its coins again', async () => {
    const bip39seed = new Uint8Array(randomBytes(64));
    const wallet = await open({ bip39seed });
    const { quote, privkey } = await grant(wallet);
    await wallet.mintProofs('grant', 1000, quote, { privkey }, { type: 'deterministic', counter: 0 });
    const again = await (await open({ bip39seed })).restore(0, 20);
    assert.equal(sum(again.proofs), 1000);
});

await check('keys are turned over, and what the old ones signed is spent all the same', async () => {
    const made = execFileSync(binary, ['mint', 'rotate', seed, UNIT, '--mint-password-file', password,
        '--mint-policy', policy, '--database', database]).toString().trim();
    const wallet = await open();
    assert.equal(wallet.keysetId, made);
    await wallet.keyChain.ensureKeysetKeys(coins[0].id);
    assert.ok(coins.every((coin) => coin.id !== made));
    const got = await wallet.receive(getEncodedToken({ mint: url, proofs: coins, unit: UNIT }));
    assert.ok(got.every((coin) => coin.id === made));
});

await check('the node ends', () => node.stop());
rmSync(folder, { recursive: true });
end();
