// The npm client of OpenAI, unmodified, through shoal proxy: to providers that speak OpenAI's API and
// Ollama's (real nodes with the demonstration model) and Anthropic's (a server of this test's own):
//
//     node proxy.mjs SHOAL_BINARY NODE_BINARY MODEL
//
// Prints a line for each check, then "N passed, N failed"; the exit status says the same.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import OpenAI from 'openai';

import { checks } from './check.mjs';
import { startNode } from './node.mjs';
import { person } from './proxied.mjs';

const { check, end } = checks(30000); // ms each
const HELLO = [{ role: 'user', content: 'Hello' }];
const SAID = 'Hello! Ask me what a relay is.';
const JOB = { messages: HELLO, temperature: 0, max_tokens: 60 };
const KEYS = { first: 'sk-first-0123456789abcdef', third: 'sk-ant-third-0123456789abcdef' };

const [shoal, binary, model] = process.argv.slice(2);
const me = await person(shoal);
process.on("exit", () => me.leave());

// ---- a server that speaks Anthropic's API, and breaks when it is told to ----

const asked = [];
let mood = 'well';
const event = (type, more) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => (body += bytes));
    request.on('end', () => {
        asked.push({ path: request.url, headers: request.headers, body: JSON.parse(body) });
        if (mood === 'overloaded') {
            response.writeHead(529, { 'content-type': 'application/json' });
            response.end(JSON.stringify({ type: 'error',
                error: { type: 'overloaded_error', message: 'Overloaded' } }));
            return;
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event('message_start', { message: { usage: { input_tokens: 11, output_tokens: 1 } } }));
        response.write(event('ping'));
        response.write(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Good ' } }));
        if (mood === 'breaks') {
            response.write(event('error', { error: { type: 'api_error', message: 'it broke' } }));
            response.end();
            return;
        }
        response.write(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'day' } }));
        response.write(event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } }));
        response.end(event('message_stop'));
    });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const own = `http://127.0.0.1:${server.address().port}/v1`;

// ---- two nodes, of which nobody knows but by their addresses ----

const first = await startNode(binary, '--name', 'demo', '--api-key-file', join(me.home, me.file('keys', `${KEYS.first}\n`)), model);
const second = await startNode(binary, '--name', 'demo', model);
const add = (...words) => me.shoal('provider', 'add', ...words, '--password-file', 'password');
await add('first', `${first.url}/v1`, '--model', 'demo=10000/40000', '--api-key-file', 'keys');
await add('second', second.url, '--kind', 'ollama', '--model', 'demo=20000/80000', '--no-key');
await add('third', own, '--kind', 'anthropic', '--model', 'claude=30000/150000', '--api-key-file', me.file('third', KEYS.third));

let proxy = await me.proxy('--no-swarm', '--max-day', '1000', '--max-request', '100');
const open = (more) => new OpenAI({ baseURL: proxy.url, apiKey: 'none', maxRetries: 0, ...more });
const usage = async () => Object.fromEntries((await me.shoal('proxy', 'usage', '--json'))
    .map((row) => [`${row.provider} ${row.model}`, row]));
const refusal = (promise, status) => promise.then(() => assert.fail('it was answered'), (error) => {
    assert.equal(error.status, status, error.stack);
    return error;
});

async function listen(job) {
    let said = '';
    let finish;
    let used;
    for await (const chunk of await open().chat.completions.create({ ...job, stream: true })) {
        said += chunk.choices[0]?.delta.content ?? '';
        finish = chunk.choices[0]?.finish_reason ?? finish;
        used = chunk.usage ?? used;
    }
    return { said, finish, used };
}

await check('the models are listed', async () => {
    const models = [];
    for await (const { id, owned_by: owner } of open().models.list())
        models.push(`${id} ${owner}`);
    assert.deepEqual(models, ['demo first', 'claude third']);
});

await check('the cheapest answers: OpenAI\'s words, whole and as a stream', async () => {
    const answer = await open().chat.completions.create({ model: 'demo', ...JOB });
    assert.equal(answer.choices[0].message.content, SAID);
    assert.equal(answer.usage.completion_tokens, 30);
    const stream = await listen({ model: 'demo', ...JOB, stream_options: { include_usage: true } });
    assert.deepEqual([stream.said, stream.finish, stream.used.completion_tokens], [SAID, 'stop', 30]);
    const quiet = await listen({ model: 'demo', ...JOB, max_tokens: 5 });
    assert.deepEqual([quiet.said, quiet.finish, quiet.used], ['Hello', 'length', undefined]);
    const row = (await usage())['first demo'];
    assert.deepEqual([row.answers, row.prompt_tokens, row.output_tokens, row.open], [3, 72, 65, 0]);
    // In units for a million tokens: each answer is rounded up by itself.
    const cost = (out) => Math.ceil((24 * 1e6 + out * 4e6) / 1e6);
    assert.equal(row.units, 2 * cost(30) + cost(5));
});

await check('a named provider answers: Ollama\'s words', async () => {
    const answer = await open().chat.completions.create({ model: 'second/demo', ...JOB });
    assert.equal(answer.choices[0].message.content, SAID);
    assert.deepEqual([answer.choices[0].finish_reason, answer.usage.completion_tokens], ['stop', 30]);
    const stream = await listen({ model: 'second/demo', ...JOB, max_tokens: 5, stream_options: { include_usage: true } });
    assert.deepEqual([stream.said, stream.finish, stream.used.completion_tokens], ['Hello', 'length', 5]);
    assert.equal((await usage())['second demo'].answers, 2);
});

await check('Anthropic\'s words', async () => {
    const job = { model: 'claude', max_tokens: 50, stop: 'x', messages: [{ role: 'system', content: 'Be kind' }, ...HELLO] };
    const answer = await open().chat.completions.create(job);
    assert.equal(answer.choices[0].message.content, 'Good day');
    assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens], [11, 7]);
    assert.deepEqual(await listen(job), { said: 'Good day', finish: 'stop', used: undefined });
    const { path, headers, body } = asked.at(-1);
    assert.equal(path, '/v1/messages');
    assert.equal(headers['x-api-key'], KEYS.third);
    assert.equal(headers['anthropic-version'], '2023-06-01');
    assert.deepEqual(body, { model: 'claude', max_tokens: 50, stream: true, stop_sequences: ['x'],
        messages: HELLO, system: 'Be kind' });
});

await check('what makes no sense, or cannot be said, is refused', async () => {
    assert.equal((await refusal(open().chat.completions.create({ model: 'none', ...JOB }), 404)).code, 'model_not_found');
    await refusal(open().chat.completions.create({ model: 'demo' }), 400);
    await refusal(open().chat.completions.create({ model: 'claude', ...JOB, seed: 7 }), 400);
    await refusal(open().completions.create({ model: 'demo', prompt: 'x' }), 404);
    const page = await fetch(`${proxy.url}/models`, { headers: { Origin: 'https://example.com' } });
    assert.equal(page.status, 403);
    const before = asked.length;
    const form = await fetch(`${proxy.url}/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'claude', ...JOB }),
        headers: { Origin: 'null', 'content-type': 'text/plain' } });
    assert.equal(form.status, 403);
    assert.equal(asked.length, before);
});

await check('who breaks off is not covered up; who fails at once is', async () => {
    mood = 'breaks';
    let said = '';
    const broken = await open().chat.completions.create({ model: 'claude', ...JOB, stream: true })
        .then(async (stream) => {
            for await (const chunk of stream)
                said += chunk.choices[0]?.delta.content ?? '';
            assert.fail('it did not break');
        }).catch((error) => error);
    assert.equal(said, 'Good ');
    assert.match(broken.message, /it broke/);
    mood = 'well';
    const resting = await refusal(open().chat.completions.create({ model: 'claude', ...JOB }), 503);
    assert.ok(Number(resting.headers.get('retry-after')) > 0);
});

await check('the next is asked where one was killed', async () => {
    process.kill(first.pid, 'SIGKILL');
    const answers = (await usage())['second demo'].answers;
    const answer = await open().chat.completions.create({ model: 'demo', ...JOB });
    assert.equal(answer.choices[0].message.content, SAID);
    assert.equal((await listen({ model: 'demo', ...JOB })).said, SAID);
    assert.equal((await usage())['second demo'].answers, answers + 2);
    await refusal(open().chat.completions.create({ model: 'first/demo', ...JOB }), 503);
});
await proxy.stop();

await check('budgets: of a request, a day, a model, a provider; requests a minute', async () => {
    await add('third', own, '--kind', 'anthropic', '--model', 'claude=30000/150000', '--rate', '1', '--api-key-file', 'third');
    proxy = await me.proxy('--no-swarm', '--max-day', '1000', '--max-request', '0.01');
    const dear = await refusal(open().chat.completions.create({ model: 'claude', ...JOB }), 402);
    assert.deepEqual([dear.code, dear.type], ['budget_exceeded', 'insufficient_quota']);
    await proxy.stop();
    proxy = await me.proxy('--no-swarm', '--max-day', '0.01', '--max-request', '1000');
    await refusal(open().chat.completions.create({ model: 'claude', ...JOB }), 402);
    await proxy.stop();
    proxy = await me.proxy('--no-swarm', '--max-day', '1000', '--max-request', '1000', '--max-model', 'demo=0.01');
    await refusal(open().chat.completions.create({ model: 'demo', ...JOB }), 402);
    await open().chat.completions.create({ model: 'claude', ...JOB });
    const soon = await refusal(open().chat.completions.create({ model: 'claude', ...JOB }), 429);
    assert.ok(Number(soon.headers.get('retry-after')) > 0);
    await proxy.stop();
    await add('third', own, '--kind', 'anthropic', '--model', 'claude=30000/150000', '--max-day', '0.01', '--api-key-file', 'third');
    proxy = await me.proxy('--no-swarm', '--max-day', '1000', '--max-request', '1000');
    await refusal(open().chat.completions.create({ model: 'claude', ...JOB }), 402);
    mood = 'overloaded';
    await add('third', own, '--kind', 'anthropic', '--model', 'claude=30000/150000', '--api-key-file', 'third');
    await proxy.stop();
    proxy = await me.proxy('--no-swarm', '--max-day', '1000', '--max-request', '1000');
    assert.match((await refusal(open().chat.completions.create({ model: 'claude', ...JOB }), 502)).message, /Overloaded/);
    await proxy.stop();
});

await check('others reach it with a key alone', async () => {
    await me.fails('--api-key-file is needed', 'proxy', '--listen', '0.0.0.0:0', '--no-swarm', '--password-file', 'password');
    proxy = await me.proxy('--no-swarm', '--api-key-file', me.file('own', 'a-key-of-mine\n'));
    await refusal(fetchModels('another'), 401);
    await fetchModels('a-key-of-mine');
    await proxy.stop();
});
async function fetchModels(apiKey) {
    return await open({ apiKey }).models.list();
}

await check('no key is seen: in the store, in what is said, in arguments', async () => {
    const listed = await me.shoal('provider', 'list', '--json');
    assert.deepEqual(listed.map(({ name, kind, key }) => [name, kind, key]),
        [['first', 'openai', true], ['second', 'ollama', false], ['third', 'anthropic', true]]);
    assert.ok(me.commandLines.length > 0);
    const files = readdirSync(me.store).map((name) => readFileSync(join(me.store, name)));
    assert.ok(files.length > 0);
    for (const key of [...Object.values(KEYS), 'a-key-of-mine'])
        for (const text of [...files, JSON.stringify(listed), me.heard(), ...me.commandLines])
            assert.ok(!text.includes(key));
    await me.shoal('provider', 'rm', 'third');
    assert.equal((await me.shoal('provider', 'list', '--json')).length, 2);
});

await second.stop();
server.close();
me.leave();
end();
