// llama.cpp and shoal-gpu read the same files: the same tokens of a text, the same probabilities
// after it. llama.mjs ORACLE FOLDER
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { TINY, writeModel } from "./model.mjs";

const [oracle, folder] = process.argv.slice(2);
const TOKENS = 12;
// All of the distribution, as the model gives it.
const WHOLE = { temperature: 1, topK: 0, topP: 1, minP: 0 };

const TEXTS = [
    "A relay stores events and sends them to whoever asks for them.",
    "  two  spaces, a\ttab and\n\na line", "tokens", "x", " ", "été, naïve, Ærøskøbing", "日本語 and 한국어",
    "🙂👩‍👩‍👧", "<s> is not a token here, nor </s>, nor <0x41>", "▁", "the the the\u00a0the", "1234567890 + 3.14",
];

// Every piece of the first text's words, and all its letters: the longer, the earlier.
function piecesOf(text) {
    const pieces = new Set();
    for (const word of text.split(" "))
        for (let from = 0; from <= word.length; from++)
            for (let to = from + 1; to <= word.length + 1; to++)
                pieces.add(`▁${word}`.slice(from, to));
    for (const letter of "▁abcdefghijklmnopqrstuvwxyz .,0123456789é") pieces.add(letter);
    return [...pieces].filter((piece) => piece !== " ").sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}

const ask = (file, text, count) =>
    JSON.parse(execFileSync(oracle, [file, String(count), text], { encoding: "utf8" }));

// How far the probabilities of the tokens that we find likeliest are from theirs, at most.
async function compare(sequence, told) {
    const all = [...told.prompt, ...told.answer.map(({ token }) => token)];
    const begin = told.prompt.length - 1;
    const asked = all.slice(0, -1).map((token, i) =>
        i < begin ? token : [token, { generateNext: { probabilities: true, options: WHOLE } }]);
    await sequence.clearHistory();
    const theirs = (await sequence.controlledEvaluate(asked)).slice(begin);
    let most = 0;
    told.answer.forEach(({ likely }, i) => {
        for (const [token, logarithm] of likely)
            most = Math.max(most, Math.abs(Math.log(theirs[i].next.probabilities.get(token)) - logarithm));
    });
    return most;
}

const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, progressLogs: false,
    logLevel: LlamaLogLevel.error });
// What the types' own roundings allow: llama.cpp brings inputs to bf16, or to 8 bits.
const BOUNDS = { bf16: 0.01, q8: 0.02, q4: 0.02 };
for (const [type, bound] of Object.entries(BOUNDS)) {
    const file = join(folder, `${type}.gguf`);
    await writeModel(file, type, TINY, piecesOf(TEXTS[0]));
    const model = await llama.loadModel({ modelPath: file });
    const context = await model.createContext({ contextSize: TINY.context, threads: 1 });
    const sequence = context.getSequence();
    let most = 0;
    for (const text of TEXTS) {
        const told = ask(file, text, TOKENS);
        assert.deepEqual(told.text, [...model.tokenize(text)], `${type}: tokens of '${text}'`);
        assert.equal(told.answer.length, TOKENS);
        most = Math.max(most, await compare(sequence, told));
    }
    console.log(`${type}: log-probabilities differ by ${most.toFixed(5)} at most`);
    assert.ok(most < bound, `${type}: ${most} is not below ${bound}`);
    await context.dispose();
    await model.dispose();
}
await llama.dispose();
