// What gpu/chat writes is what models' own templates make of the same conversations, byte by byte,
// refusals included; @huggingface/jinja runs the templates. Which template is which format, gpu/chat
// says by its hash. Where llama.cpp's source has no template of a format, one of ours stands in: it
// shows that two readings of the format agree, not that it is the model's.
// chat.mjs PEER FOLDER SEED: FOLDER has llama.cpp's repository as llama.cpp, and is written to.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Environment, Interpreter, Template } from "@huggingface/jinja";

const [peer, folder, seed] = process.argv.slice(2);
const BEGIN = "<begin>";
const END = "<end>";
const TODAY = "21 Nov 2026";
const RANDOM = 400; // conversations
const BIG = { encoding: "utf8", maxBuffer: 1 << 30 };

const OURS = {
    "zephyr": `{% for m in messages %}{{ '<|' ~ m.role ~ '|>\\n' ~ m.content ~ eos_token ~ '\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}`,
    "qwen2": `{% if messages[0].role != 'system' %}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}
{%- for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\\n' ~ m.content ~ '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`,
    "deepseek-r1-plain": `{% set last = namespace(system='') %}
{%- for m in messages %}{% if m.role == 'system' %}{% set last.system = m.content %}{% endif %}{% endfor %}
{{- bos_token ~ last.system }}
{%- for m in messages %}
{%- if m.role == 'user' %}{{ '<｜User｜>' ~ m.content }}{% endif %}
{%- if m.role == 'assistant' %}
{{- '<｜Assistant｜>' ~ m.content.split('</think>')[-1] ~ '<｜end▁of▁sentence｜>' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}`,
};

// Blanks of all kinds, but for U+001C to U+001F, U+0085 and U+FEFF: JavaScript's trim and that of
// Python, which templates are written for, differ on them.
const PARTS = ["Hi", "2+2?", " ", "\n", "\t", "\r\n", "  two  ", "a\n\nb", "\u00a0", "\u2003\u3000", "\u2028",
    "été 日本語", "🙂👩‍👩‍👧", "\u0301", "<think>", "</think>", "</think>", "<|im_end|>", "<|eot_id|>", "[/INST]", END,
    "<end_of_turn>\n", "<｜User｜>", "{{ messages }}", "{% if x %}", "{# no #}", "\"\\'", "\u007f\u0001", "long ".repeat(2000)];
const KNOWN = [
    [["user", "Hi"]], [["system", "Be brief."], ["user", "Hi"]], [["system", ""], ["user", ""]],
    [["user", "Hi"], ["assistant", "Hello"], ["user", "2+2?"]], [["user", "Hi"], ["assistant", "Hel"]],
    [["system", " Be brief.\n"], ["user", " Hi "], ["assistant", "\nHello "], ["user", "2+2?\n"], ["assistant", ""]],
    [["system", "Be brief."]], [["assistant", "Hello"]], [["user", "Hi"], ["user", "again"]],
    [["system", "a"], ["system", "b"], ["user", "c"]], [["user", "a"], ["system", "b"], ["user", "c"]],
    [["user", "q"], ["assistant", "<think>\nno</think>so</think>\n\nyes"], ["user", "z"]],
];

// xorshift32: the same conversations for the same seed.
let state = (Number(seed) >>> 0) || 1;
function below(count) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % count;
}

const someContent = () => Array.from({ length: below(4) }, () => PARTS[below(PARTS.length)]).join("");

// Three of four as all models take them: a system message or none, then turns.
function someConversation() {
    if (below(4) === 0)
        return Array.from({ length: 1 + below(5) }, () => [["system", "user", "assistant"][below(3)], someContent()]);
    const turns = Array.from({ length: 1 + below(7) }, (_, i) => [i % 2 === 0 ? "user" : "assistant", someContent()]);
    return below(2) === 0 ? turns : [["system", someContent()], ...turns];
}

// Of llama.cpp's source: the files, and the strings of one of its tests that look like templates.
function carriedTemplates() {
    const git = (...args) => execFileSync("git", ["--git-dir", join(folder, "llama.cpp"), ...args], BIG);
    const test = "tests/test-chat-template.cpp";
    const strings = git("show", `HEAD:${test}`).matchAll(/"((?:[^"\\\n]|\\.)*\{%(?:[^"\\\n]|\\.)*)"/g);
    const files = git("ls-tree", "--name-only", "HEAD", "models/templates/").split("\n");
    return [...files.filter((path) => path.endsWith(".jinja")).map((from) => ({ from, template: git("show", `HEAD:${from}`) })),
        ...[...strings].map(([, string]) => ({ from: test, template: JSON.parse(`"${string.replaceAll("\\'", "'")}"`) }))];
}

class Refusal extends Error {}

// What a template makes of a conversation; null: it refuses. Any other failure is one of the test's.
// Not Template.render, which has a clock of its own and throws refusals as it does mistakes.
function render(template, conversation) {
    const environment = new Environment();
    const given = {
        true: true, false: false, none: null, bos_token: BEGIN, eos_token: END, add_generation_prompt: true,
        messages: conversation.map(([role, content]) => ({ role, content })),
        raise_exception: (why) => { throw new Refusal(why); },
        strftime_now: (format) => { assert.equal(format, "%d %b %Y"); return TODAY; },
    };
    for (const [name, value] of Object.entries(given)) environment.set(name, value);
    try {
        return new Interpreter(environment).run(template.parsed).value;
    } catch (error) {
        if (error instanceof Refusal) return null;
        throw error;
    }
}

// Gemma's template looks for a system message in the first place only, and makes of a later one, where
// an answer belongs, a turn that its model never saw. gpu/chat takes none.
const isOursToRefuse = (format, conversation) =>
    format === "gemma" && conversation.some(([role]) => role === "system");

const conversations = [...KNOWN, ...Array.from({ length: RANDOM }, someConversation)];
const asked = [...carriedTemplates(),
    ...Object.entries(OURS).map(([format, ours]) => ({ from: "a template of ours", format, ours }))];
const file = join(folder, "asked.json");
writeFileSync(file, JSON.stringify({ begin: BEGIN, end: END, today: TODAY, conversations, of: asked }));
const told = JSON.parse(execFileSync(peer, [file], BIG));

console.log(`seed ${seed}, ${conversations.length} conversations`);
const seen = new Set();
told.of.forEach(({ format, prompts }, i) => {
    if (format === null) return;
    const { template, ours, from } = asked[i];
    assert.ok(ours === undefined || !seen.has(format), `${format}: llama.cpp has a template, ours is not needed`);
    const parsed = new Template(ours ?? template);
    let written = 0;
    conversations.forEach((conversation, j) => {
        const made = render(parsed, conversation);
        const expected = isOursToRefuse(format, conversation) ? null : made;
        assert.equal(prompts[j], expected, `${format}, ${from}: ${JSON.stringify(conversation)}\n` +
            `ours:   ${JSON.stringify(prompts[j])}\ntheirs: ${JSON.stringify(expected)}`);
        if (expected !== null) written++;
    });
    assert.ok(written > RANDOM / 5, `${format}: only ${written} prompts are no proof`);
    seen.add(format);
    console.log(`${format}: ${written} prompts and ${conversations.length - written} refusals alike; ${from}`);
});
assert.deepEqual([...seen].sort(), [...told.formats].sort(), "a format without a template");
