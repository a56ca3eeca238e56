// The npm clients of OpenAI and of Ollama, unmodified, against a node with the demonstration model:
//
//     node api.mjs NODE_BINARY MODEL
//
// Prints a line for each check, then "N passed, N failed"; the exit status says the same.
import assert from 'node:assert/strict';

import { Ollama } from 'ollama';
import OpenAI from 'openai';

import { checks } from './check.mjs';
import { startNode } from './node.mjs';

const { check, end } = checks(30000); // ms each
const HELLO = [{ role: 'user', content: 'Hello' }];
const SAID = 'Hello! Ask me what a relay is.';
const FOREVER = { temperature: 9, logit_bias: { 257: -100 } }; // to the end of the context

async function refusal(promise, status) {
    const error = await promise.then(() => assert.fail('it was answered'), (why) => why);
    assert.equal(error.status ?? error.status_code, status, error.stack);
    return error;
}

// ---- OpenAI ----

async function chats(openai) {
    const answer = await openai.chat.completions.create(
        { model: 'demo', messages: HELLO, temperature: 0 });
    assert.equal(answer.choices[0].message.content, SAID);
    assert.equal(answer.choices[0].message.role, 'assistant');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens,
        answer.usage.total_tokens], [24, 30, 54]);
    assert.equal(answer.object, 'chat.completion');
    const parts = [{ type: 'text', text: 'Hel' }, { type: 'text', text: 'lo' }];
    const short = await openai.chat.completions.create({ model: 'demo', temperature: 0,
        messages: [{ role: 'user', content: parts }], max_completion_tokens: 5 });
    assert.equal(short.choices[0].message.content, 'Hello');
    assert.equal(short.choices[0].finish_reason, 'length');
}

async function streamsChats(openai) {
    const stream = await openai.chat.completions.create({ model: 'demo', messages: HELLO,
        temperature: 0, stream: true, stream_options: { include_usage: true }, stop: ' is' });
    let said = '';
    let why, usage;
    for await (const chunk of stream) {
        said += chunk.choices[0]?.delta.content ?? '';
        why ??= chunk.choices[0]?.finish_reason;
        usage ??= chunk.usage;
    }
    assert.equal(said, 'Hello! Ask me what a relay');
    assert.equal(why, 'stop');
    assert.equal(usage.prompt_tokens, 24);
    const runner = openai.chat.completions.stream({ model: 'demo', messages: HELLO, temperature: 0 });
    assert.equal(await runner.finalContent(), SAID);
}

async function completes(openai) {
    const answer = await openai.completions.create({ model: 'demo', prompt: ['A relay', 'A key'],
        max_tokens: 3, temperature: 0, echo: true });
    assert.equal(answer.choices.length, 2);
    assert.match(answer.choices[1].text, /^A key/);
    let said = '';
    for await (const chunk of await openai.completions.create(
        { model: 'demo', prompt: 'A relay', max_tokens: 3, temperature: 0, stream: true }))
        said += chunk.choices[0].text;
    assert.equal(`A relay${said}`, answer.choices[0].text);
}

// This client asks for base64 unless it is told otherwise.
async function embeds(openai) {
    const input = ['What is a relay?', 'Hello'];
    const packed = await openai.embeddings.create({ model: 'demo', input });
    const plain = await openai.embeddings.create({ model: 'demo', input, encoding_format: 'float' });
    assert.equal(packed.data.length, 2);
    packed.data.forEach(({ embedding }, i) => {
        const other = plain.data[i].embedding;
        assert.equal(embedding.length, other.length);
        assert.ok(embedding.every((x, j) => Math.abs(x - other[j]) < 1e-6));
        assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
    });
    assert.notDeepEqual(packed.data[0].embedding, packed.data[1].embedding);
}

async function lists(openai) {
    const names = [];
    for await (const model of openai.models.list())
        names.push(model.id);
    assert.deepEqual(names, ['demo']);
    assert.equal((await openai.models.retrieve('demo')).owned_by, 'shoal');
}

async function refuses(openai, locked) {
    const chat = (more) => openai.chat.completions.create({ model: 'demo', messages: HELLO, ...more });
    const wrong = await refusal(chat({ temperature: -1 }), 400);
    assert.ok(wrong instanceof OpenAI.BadRequestError);
    assert.equal(wrong.param, 'temperature');
    assert.equal(wrong.type, 'invalid_request_error');
    const unknown = await refusal(chat({ model: 'gpt-4' }), 404);
    assert.equal(unknown.code, 'model_not_found');
    await refusal(chat({ n: 2 }), 400);
    await refusal(openai.models.retrieve('gpt-4'), 404);
    const long = await refusal(openai.completions.create(
        { model: 'demo', prompt: 'word '.repeat(100) }), 400);
    assert.equal(long.code, 'context_length_exceeded');
    const keyless = new OpenAI({ baseURL: `${locked.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    assert.ok(await refusal(keyless.models.list(), 401) instanceof OpenAI.AuthenticationError);
}

// Again, until the node was not done before its client was gone.
async function untilLeft(node, path, begin) {
    for (let line = ''; !line.includes('left=true');) {
        const before = node.lines.length;
        await begin();
        line = await node.line(path, before);
    }
}

async function aborts(openai, node) {
    const body = { model: 'demo', prompt: 'A', max_tokens: 250, ...FOREVER };
    await untilLeft(node, '/v1/completions', async () => {
        for await (const chunk of await openai.completions.create({ ...body, stream: true })) {
            assert.ok(chunk.choices);
            break; // which closes the connection
        }
    });
    const controller = new AbortController();
    const whole = openai.completions.create(body, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await assert.rejects(whole, OpenAI.APIUserAbortError);
    await chats(openai);
}

// ---- Ollama ----

async function chatsOllama(ollama) {
    const options = { temperature: 0, repeat_penalty: 1 };
    const answer = await ollama.chat({ model: 'demo', messages: HELLO, options });
    assert.equal(answer.message.content, SAID);
    assert.equal(answer.done_reason, 'stop');
    assert.equal(answer.eval_count, 30);
    let said = '';
    let last;
    for await (const part of await ollama.chat(
        { model: 'demo:latest', messages: HELLO, options, stream: true })) {
        said += part.message.content;
        last = part;
    }
    assert.equal(said, SAID);
    assert.equal(last.done, true);
    assert.ok(last.total_duration > 0);
}

async function generates(ollama) {
    const options = { temperature: 0, repeat_penalty: 1, stop: ['Ask'] };
    const answer = await ollama.generate({ model: 'demo', prompt: 'Hello', options });
    assert.equal(answer.response, 'Hello! ');
    let said = '';
    for await (const part of await ollama.generate(
        { model: 'demo', prompt: 'Hello', stream: true, options: { ...options, num_predict: 3 } }))
        said += part.response;
    assert.equal(said, 'Hel');
    const raw = await ollama.generate({ model: 'demo', prompt: 'A relay', raw: true,
        options: { ...options, num_predict: 2 } });
    assert.equal(raw.prompt_eval_count, 7);
}

async function tells(ollama) {
    const { models } = await ollama.list();
    assert.deepEqual(models.map((model) => model.name), ['demo']);
    assert.equal((await ollama.ps()).models.length, 1);
    const details = await ollama.show({ model: 'demo' });
    assert.equal(details.details.family, 'llama');
    assert.equal(details.model_info['llama.context_length'], 256);
    assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
    const { embeddings } = await ollama.embed({ model: 'demo', input: ['a', 'b'] });
    assert.equal(embeddings.length, 2);
    assert.equal((await ollama.embeddings({ model: 'demo', prompt: 'a' })).embedding.length,
        embeddings[0].length);
}

async function refusesOllama(ollama) {
    const error = await refusal(ollama.chat({ model: 'other', messages: HELLO }), 404);
    assert.match(error.message, /there is no model 'other' here/);
    await refusal(ollama.generate({ model: 'demo', prompt: 'x', format: 'json' }), 400);
    await refusal(ollama.chat({ model: 'demo', messages: HELLO, options: { top_k: -1 } }), 400);
}

async function abortsOllama(ollama, node) {
    await untilLeft(node, '/api/generate', async () => {
        const stream = await ollama.generate({ model: 'demo', prompt: 'A', raw: true, stream: true,
            options: { temperature: 9, top_k: 0, top_p: 1, num_predict: 250 } });
        for await (const part of stream) {
            if (!part.done)
                stream.abort();
            break;
        }
    });
    await chatsOllama(ollama);
}

const [binary, model] = process.argv.slice(2);
const keys = `${process.env.TMPDIR ?? '/tmp'}/shoal_api_keys_${process.pid}`;
const { writeFile, unlink } = await import('node:fs/promises');
await writeFile(keys, 'key\n');
const node = await startNode(binary, '--name', 'demo', model);
const locked = await startNode(binary, '--name', 'demo', '--api-key-file', keys, model);
const openai = new OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'none', maxRetries: 0 });
const ollama = new Ollama({ host: node.url });

await check('openai: a chat', () => chats(openai));
await check('openai: a chat, streamed', () => streamsChats(openai));
await check('openai: completions', () => completes(openai));
await check('openai: embeddings', () => embeds(openai));
await check('openai: models', () => lists(openai));
await check('openai: refusals are its own errors', () => refuses(openai, locked));
await check('openai: a key', () => lists(new OpenAI(
    { baseURL: `${locked.url}/v1`, apiKey: 'key', maxRetries: 0 })));
await check('openai: aborted', () => aborts(openai, node));
await check('ollama: a chat, whole and streamed', () => chatsOllama(ollama));
await check('ollama: texts', () => generates(ollama));
await check('ollama: models and embeddings', () => tells(ollama));
await check('ollama: refusals', () => refusesOllama(ollama));
await check('ollama: aborted', () => abortsOllama(ollama, node));
await check('both end when told', () => Promise.all([node.stop(), locked.stop()]));
await unlink(keys);

end();
