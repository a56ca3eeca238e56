// The npm client of OpenAI, unmodified, through shoal proxy to a node that is paid for, found at a
// relay: streamed and not, to the unit; what is over budget; and a proxy that is killed.
//
//     node proxy_paid.mjs SHOAL_BINARY NODE_BINARY MODEL RELAY_BINARY DATABASE
//
// DATABASE: the node's, of its own. Prints a line for each check, then "N passed, N failed"; the exit
// status says the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import OpenAI from 'openai';

import { checks } from './check.mjs';
import { startNode } from './node.mjs';
import { person } from './proxied.mjs';
import { startRelay } from './relay.mjs';

const { check, end } = checks(60000); // ms each
const SAID = 'Hello! Ask me what a relay is.';
const JOB = { model: 'demo', messages: [{ role: 'user', content: 'Hello' }], temperature: 0, max_tokens: 60 };
const [shoal, binary, model, relayBinary, database] = process.argv.slice(2);
const me = await person(shoal);
process.on('exit', () => me.leave());
const relay = await startRelay(relayBinary);

// Before the node stands one that falls silent in the middle of an answer when it is told to.
let stalls = false;
let target;
let hung = () => {};
const between = createServer((client) => {
    const node = connect(target);
    let silent = false;
    client.on('data', (bytes) => node.write(bytes));
    node.on('data', (bytes) => {
        const cut = stalls ? bytes.toString('latin1').search(/(?<="content":"[^"][^]*?\n\n)/) : -1;
        if (silent)
            return;
        client.write(cut >= 0 ? bytes.subarray(0, cut) : bytes);
        silent = cut >= 0;
        if (silent)
            hung();
    });
    for (const [one, other] of [[client, node], [node, client]]) {
        one.on('error', () => {});
        one.on('close', () => other.destroy());
    }
});
between.listen(0, '127.0.0.1');
await once(between, 'listening');
const url = `http://127.0.0.1:${between.address().port}`;

const path = (name, text) => join(me.home, me.file(name, text));
const password = join(me.home, 'password');
const policy = path('policy', JSON.stringify({ pow_bits: 8, address_grant: 10000000, day_grant: 10000000, relay_grant: 10000000 }));
for (const name of ['seed', 'seller'])
    execFileSync(binary, ['mint', 'init', join(me.home, name), '--mint-password-file', password], { stdio: 'ignore' });
const node = await startNode(binary, '--name', 'demo', '--mint', join(me.home, 'seed'), '--mint-password-file', password,
    '--mint-policy', policy, '--database', database, '--announce', '--relay', relay.url, '--key', join(me.home, 'seller'),
    '--password-file', password, '--price', '100000/400000/10000/1', '--mint-url', url, model);
target = Number(new URL(node.url).port);
await node.line('is there');

const wallet = (...words) => me.shoal('wallet', ...words, '--password-file', 'password', '--json');
const balance = async () => (await me.shoal('wallet', 'balance', '--json'))
    .reduce((sum, { units, given, pending }) => sum.map((all, i) => all + [units, given, pending][i]), [0, 0, 0]);
const usage = async () => (await me.shoal('proxy', 'usage', '--json'))
    .find((row) => row.provider === 'shoal') ?? { units: 0, answers: 0, open: 0 };
await wallet('mint', 'add', url);
await wallet('grant');
const [all] = await balance();
assert.ok(all > 0);

let proxy;
const begin = async (...more) => {
    proxy = await me.proxy('--relay', relay.url, ...more);
    // What is offered comes as fast as the relay says it.
    for (let models = []; models.length === 0;)
        models = (await open().models.list()).data;
};
const open = () => new OpenAI({ baseURL: proxy.url, apiKey: 'none', maxRetries: 0 });
const refusal = (promise, status) => promise.then(() => assert.fail('it was answered'), (error) => {
    assert.equal(error.status, status, error.stack);
    return error;
});

await begin();
await check('a node found at a relay is paid, and its change comes back', async () => {
    const answer = await open().chat.completions.create(JOB);
    assert.equal(answer.choices[0].message.content, SAID);
    assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens], [24, 30]);
    const { units, answers } = await usage();
    assert.equal(answers, 1);
    assert.ok(units >= 14 && units <= 16, `it cost ${units}`);
    assert.deepEqual(await balance(), [all - units, 0, 0]);
});

await check('as a stream', async () => {
    let said = '';
    let used;
    for await (const chunk of await open().chat.completions.create({ ...JOB, stream: true, stream_options: { include_usage: true } })) {
        said += chunk.choices[0]?.delta.content ?? '';
        used = chunk.usage ?? used;
    }
    assert.equal(said, SAID);
    assert.equal(used.completion_tokens, 30);
    const { units, answers, open: open_ } = await usage();
    assert.deepEqual([answers, open_], [2, 0]);
    assert.deepEqual(await balance(), [all - units, 0, 0]);
});

await check('several at once', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => open().chat.completions.create(JOB)));
    for (const answer of answers)
        assert.equal(answer.choices[0].message.content, SAID);
    const { units, answers: count } = await usage();
    assert.equal(count, 6);
    assert.deepEqual(await balance(), [all - units, 0, 0]);
});
await proxy.stop();

await check('what is over budget is refused, and costs nothing', async () => {
    const before = await balance();
    await begin('--max-request', '0.02');
    const dear = await refusal(open().chat.completions.create(JOB), 402);
    assert.deepEqual([dear.code, dear.type], ['budget_exceeded', 'insufficient_quota']);
    await proxy.stop();
    await begin('--max-day', String((await usage()).units / 100));
    await refusal(open().chat.completions.create(JOB), 402);
    await proxy.stop();
    assert.deepEqual(await balance(), before);
});

await check('a proxy that is killed in the middle of an answer loses nothing', async () => {
    await begin();
    const silent = new Promise((resolve) => (hung = resolve));
    stalls = true;
    const asking = open().chat.completions.create({ ...JOB, stream: true })
        .then(async (stream) => { for await (const chunk of stream) void chunk; }).catch(() => {});
    await silent;
    await proxy.kill();
    await asking;
    stalls = false;
    const [, given] = await balance();
    assert.ok(given > 0); // what was sent is known, and where it went
    assert.equal((await usage()).open, 1);
    await begin();
    // What is left of it is taken from the mint before another answer is paid.
    await open().chat.completions.create(JOB);
    const [units, left, pending] = await balance();
    assert.deepEqual([left, pending], [0, 0]);
    const spent = execFileSync('psql', ['-qtA', database, '-c', 'SELECT sum(cost) FROM shoal_node.job'], { encoding: 'utf8' });
    assert.equal(units, all - Number(spent));
    await proxy.stop();
});

await node.stop();
between.close();
await relay.stop();
end();
