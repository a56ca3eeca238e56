// A llama model of random weights as a GGUF file, the same each time.
//
//     await writeModel("model.gguf", "q8", TINY, pieces);
//
// pieces: those of a SentencePiece vocabulary, the first merged first; bytes and control tokens come
// before them. The weights are bf16, q8 or q4.
import { createWriteStream } from "node:fs";

export const TINY = { layers: 3, width: 256, inner: 512, heads: 8, kvHeads: 2, context: 512 };
// As GGUF numbers them: of a block of 32, bytes.
const TYPES = { f32: [0, 128], bf16: [30, 64], q8: [8, 34], q4: [2, 18] };
const ALIGNMENT = 32;

function tensorsOf(type, shape, vocabulary) {
    const { layers, width, inner, heads, kvHeads } = shape;
    const kept = width / heads * kvHeads;
    const list = [["token_embd.weight", [width, vocabulary]], ["output_norm.weight", [width]],
        ["output.weight", [width, vocabulary]]];
    for (let i = 0; i < layers; i++)
        for (const [name, dims] of [
            ["attn_norm", [width]], ["attn_q", [width, width]], ["attn_k", [width, kept]],
            ["attn_v", [width, kept]], ["attn_output", [width, width]], ["ffn_norm", [width]],
            ["ffn_gate", [width, inner]], ["ffn_up", [width, inner]], ["ffn_down", [inner, width]]])
            list.push([`blk.${i}.${name}.weight`, dims]);
    let offset = 0;
    return list.map(([name, dims]) => {
        const [id, block] = TYPES[dims.length === 1 ? "f32" : type];
        const bytes = dims.reduce((a, b) => a * b) / 32 * block;
        const at = offset;
        offset += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
        return { name, dims, id, block, bytes, at };
    });
}

function headerOf(tensors, shape, pieces) {
    const parts = [];
    let keys = 0;
    const put = (size, write) => { const b = Buffer.alloc(size); write(b); parts.push(b); };
    const u32 = (n) => put(4, (b) => b.writeUInt32LE(n));
    const u64 = (n) => put(8, (b) => b.writeBigUInt64LE(BigInt(n)));
    const f32 = (n) => put(4, (b) => b.writeFloatLE(n));
    const text = (s) => { const b = Buffer.from(s); u64(b.length); parts.push(b); };
    const key = (name, kind) => { text(name); u32(kind); keys++; };
    const integer = (name, n) => { key(name, 4); u32(n); };
    const number = (name, n) => { key(name, 6); f32(n); };
    const string = (name, s) => { key(name, 8); text(s); };
    const array = (name, kind, values, each) => { key(name, 9); u32(kind); u64(values.length); values.forEach(each); };
    const byte = (i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`;
    const names = ["<unk>", "<s>", "</s>", ...Array.from({ length: 256 }, (_, i) => byte(i)), ...pieces];
    string("general.architecture", "llama");
    string("general.name", "random");
    integer("llama.context_length", shape.context);
    integer("llama.embedding_length", shape.width);
    integer("llama.block_count", shape.layers);
    integer("llama.feed_forward_length", shape.inner);
    integer("llama.attention.head_count", shape.heads);
    integer("llama.attention.head_count_kv", shape.kvHeads);
    integer("llama.rope.dimension_count", shape.width / shape.heads);
    number("llama.attention.layer_norm_rms_epsilon", 1e-5);
    number("llama.rope.freq_base", 10000);
    string("tokenizer.ggml.model", "llama");
    array("tokenizer.ggml.tokens", 8, names, text);
    array("tokenizer.ggml.scores", 6, names, (_, i) => f32(-i));
    array("tokenizer.ggml.token_type", 5, names, (_, i) => u32(i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1));
    integer("tokenizer.ggml.bos_token_id", 1);
    integer("tokenizer.ggml.eos_token_id", 2);
    integer("tokenizer.ggml.unknown_token_id", 0);
    for (const tensor of tensors) {
        text(tensor.name);
        u32(tensor.dims.length);
        tensor.dims.forEach(u64);
        u32(tensor.id);
        u64(tensor.at);
    }
    const begin = Buffer.alloc(24);
    begin.write("GGUF");
    begin.writeUInt32LE(3, 4);
    begin.writeBigUInt64LE(BigInt(tensors.length), 8);
    begin.writeBigUInt64LE(BigInt(keys), 16);
    const header = Buffer.concat([begin, ...parts]);
    return Buffer.concat([header, Buffer.alloc((ALIGNMENT - header.length % ALIGNMENT) % ALIGNMENT)]);
}

// Numbers of 64 bits (xorshift).
function dice() {
    let seed = 88172645463325252n;
    return () => {
        seed ^= BigInt.asUintN(64, seed << 13n);
        seed ^= seed >> 7n;
        seed ^= BigInt.asUintN(64, seed << 17n);
        return seed;
    };
}

// Blocks of small weights.
function blocksOf(id, block, random) {
    const blocks = Buffer.alloc(block * 8192);
    for (let i = 0; i + 8 <= blocks.length; i += 8) blocks.writeBigUInt64LE(random(), i);
    for (let at = 0; at < blocks.length; at += block) {
        if (id === 0) for (let i = 0; i < block; i += 4) blocks.writeFloatLE(1 + (blocks[at + i] - 128) / 1280, at + i);
        // The high byte of each number: near 1/64, of either sign.
        else if (id === 30) for (let i = 1; i < block; i += 2) blocks[at + i] = blocks[at + i] & 0x80 | 0x3c;
        else blocks.writeUInt16LE(id === 8 ? 0x0840 : 0x1a00, at);
    }
    return blocks;
}

export async function writeModel(file, type, shape, pieces) {
    const tensors = tensorsOf(type, shape, 259 + pieces.length);
    const random = dice();
    const pools = new Map();
    const out = createWriteStream(file);
    const write = (bytes) => new Promise((done) => { if (out.write(bytes)) done(); else out.once("drain", done); });
    await write(headerOf(tensors, shape, pieces));
    for (const { id, block, bytes } of tensors) {
        if (!pools.has(id)) pools.set(id, blocksOf(id, block, random));
        const blocks = pools.get(id);
        // From another block on each time, so that no two rows are alike.
        for (let left = bytes; left > 0;) {
            const from = Number(random() % 4096n) * block;
            const count = Math.min(left, blocks.length - from);
            await write(blocks.subarray(from, from + count));
            left -= count;
        }
        if (bytes % ALIGNMENT > 0) await write(Buffer.alloc(ALIGNMENT - bytes % ALIGNMENT));
    }
    await new Promise((done) => out.end(done));
}
