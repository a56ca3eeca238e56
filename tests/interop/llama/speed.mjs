// The speed of shoal-gpu and llama.cpp on the same file, in turn, on one thread: ops/bench/gpu.
// speed.mjs SHOAL_GPU FOLDER ROUNDS TYPE...
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { writeModel } from "./model.mjs";

const [shoal, folder, rounds, ...types] = process.argv.slice(2);
const SHAPE = { layers: 22, width: 2048, inner: 5632, heads: 32, kvHeads: 4, context: 2048 };
const PIECES = Array.from({ length: 32000 - 259 }, (_, i) => `▁w${i}`);
const PROMPT = 256;
const STEPS = 12;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const perSecond = async (count, work) => {
    const begin = performance.now();
    await work();
    return count * 1000 / (performance.now() - begin);
};

function ours(file, type) {
    const made = type === "bf16" ? "stored" : type;
    const told = JSON.parse(execFileSync(shoal, ["bench", "--json", "--threads", "1", "--weights", made, file]));
    const [prompt, one] = told.measured;
    return { prefill: prompt.tokens_per_second, decode: one.tokens_per_second, read: one.of_possible };
}

async function theirs(sequence) {
    const tokens = Array.from({ length: PROMPT }, (_, i) => i * 7 % 32000);
    const next = { generateNext: { token: true, options: { temperature: 0 } } };
    const prefills = [];
    for (let i = 0; i < 3; i++) {
        await sequence.clearHistory();
        prefills.push(await perSecond(PROMPT, () => sequence.controlledEvaluate([...tokens.slice(0, -1), [tokens[PROMPT - 1], next]])));
    }
    const decodes = [];
    for (let i = 0; i < STEPS; i++)
        decodes.push(await perSecond(1, () => sequence.controlledEvaluate([[300 + i, next]])));
    return { prefill: median(prefills), decode: median(decodes) };
}

const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, progressLogs: false,
    logLevel: LlamaLogLevel.error });
for (const type of types) {
    const file = join(folder, `${type}.gguf`);
    await writeModel(file, type, SHAPE, PIECES);
    const model = await llama.loadModel({ modelPath: file });
    const context = await model.createContext({ contextSize: 512, batchSize: PROMPT, threads: { ideal: 1, min: 1 } });
    const sequence = context.getSequence();
    for (let i = 0; i < Number(rounds); i++) {
        const a = ours(file, type);
        const b = await theirs(sequence);
        const line = (what) => `${what} ${a[what].toFixed(1)} and ${b[what].toFixed(1)} tokens/s, ${(a[what] / b[what]).toFixed(2)}x`;
        console.log(`${type}: ${line("decode")}, at ${(100 * a.read).toFixed(0)} % of what can be read; ${line("prefill")}`);
    }
    await context.dispose();
    await model.dispose();
    rmSync(file);
}
await llama.dispose();
