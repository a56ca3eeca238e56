// The core as WebAssembly makes of random histories, however they are delivered, what it makes of
// them natively: node wasm.mjs SHOAL_WASM HISTORIES. The events' signatures are checked here.
import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

const [module, source] = process.argv.slice(2)
const encoder = new TextEncoder()
const decoder = new TextDecoder()
let core

// BIP-340, slowly.
const P = 2n ** 256n - 2n ** 32n - 977n
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const G = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
]
const mod = (a, m = P) => ((a % m) + m) % m
function power(base, exponent) {
  let result = 1n
  for (base = mod(base); exponent > 0n; exponent >>= 1n, base = mod(base * base))
    if (exponent & 1n) result = mod(result * base)
  return result
}
const invert = (a) => power(a, P - 2n)
function add(a, b) {
  if (a === null || b === null) return a ?? b
  if (a[0] === b[0] && mod(a[1] + b[1]) === 0n) return null
  const slope = a[0] === b[0] ? 3n * a[0] * a[0] * invert(2n * a[1]) : (b[1] - a[1]) * invert(b[0] - a[0])
  const x = mod(slope * slope - a[0] - b[0])
  return [x, mod(slope * (a[0] - x) - a[1])]
}
function times(point, k) {
  let sum = null
  for (; k > 0n; k >>= 1n, point = add(point, point)) if (k & 1n) sum = add(sum, point)
  return sum
}
const number = (bytes) => BigInt('0x' + Buffer.from(bytes).toString('hex'))
function verify(sig, id, pubkey) {
  const x = number(pubkey), r = number(sig.subarray(0, 32)), s = number(sig.subarray(32))
  const square = mod(x ** 3n + 7n)
  let y = power(square, (P + 1n) / 4n)
  if (x >= P || r >= P || s >= N || mod(y * y) !== square) return false
  if (y & 1n) y = P - y
  const tag = createHash('sha256').update('BIP0340/challenge').digest()
  const e = mod(number(createHash('sha256').update(Buffer.concat([tag, tag, sig.subarray(0, 32), pubkey, id])).digest()), N)
  const point = add(times(G, s), times([x, y], N - e))
  return point !== null && !(point[1] & 1n) && point[0] === r
}

const bytes = (at, size) => new Uint8Array(core.memory.buffer, at, size).slice()
let checks = 0
const CHECKS_MAX = 20 // of signatures, each a tenth of a second; then those that are known
const known = new Set()
const host = {
  verify(sig, id, pubkey) {
    const key = [bytes(sig, 64), bytes(id, 32), bytes(pubkey, 32)]
    const text = key.map((part) => Buffer.from(part).toString('hex')).join()
    if (known.has(text) && checks >= CHECKS_MAX) return 1
    checks++
    return verify(...key) ? 1 : 0
  },
  read_number: (at, size) => Number(decoder.decode(bytes(at, size))),
  write_number(value, digits, at, max) {
    const text = encoder.encode(value.toExponential(digits))
    if (text.length > max) throw new Error('a number too long')
    new Uint8Array(core.memory.buffer, at, max).set(text)
    return text.length
  },
}
core = (await WebAssembly.instantiate(readFileSync(module), { host })).instance.exports

function hand(data) {
  const at = core.wasm_alloc(data.length)
  new Uint8Array(core.memory.buffer, at, data.length).set(data)
  return at
}
function withText(text, call) {
  const data = encoder.encode(text)
  const at = hand(data)
  const result = call(at, data.length)
  core.wasm_free(at)
  return result
}
const written = () => decoder.decode(bytes(core.wasm_written(), core.wasm_written_size()))
function open(history) {
  const root = hand(Buffer.from(history.root, 'hex'))
  const replica = core.wasm_open(root, history.horizon)
  core.wasm_free(root)
  return replica
}
const put = (replica, json) => withText(json, (at, size) => core.wasm_put(replica, at, size))
function expect(what, got, wanted) {
  if (got === wanted) return
  console.log(`${what}:\n  expected ${wanted}\n  got      ${got}`)
  process.exit(1)
}

let seed = 1
const below = (bound) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * bound)
}
const total = { histories: 0, events: 0, waiting: 0, texts: 0 }
for await (const line of createInterface({ input: (await import('node:fs')).createReadStream(source) })) {
  if (line.startsWith('TEST_SEED=')) {
    console.log(line)
    seed = Number(BigInt.asUintN(32, BigInt(line.slice(10))))
    continue
  }
  // What is compared is text: JSON.parse knows no numbers past 2^53, and no order of members.
  const history = JSON.parse(line)
  const state = line.slice(line.indexOf('],"state":') + 10, -1)
  const events = line.slice(line.indexOf('"events":[') + 10, line.indexOf('],"state":'))
  const texts = events.split(/,(?=\{"id":")/)
  expect('events of a line', texts.length, history.events.length)
  for (const event of history.events)
    known.add([Buffer.from(event.sig, 'hex'), Buffer.from(event.id, 'hex'), Buffer.from(event.pubkey, 'hex')]
      .map((part) => part.toString('hex')).join())

  const replica = open(history)
  const late = texts.slice(1).concat(texts.filter(() => below(4) === 0)) // some come twice
  for (let i = late.length - 1; i > 0; i--) {
    const j = below(i + 1)
    ;[late[i], late[j]] = [late[j], late[i]]
  }
  expect('the root', put(replica, texts[0]), 0)
  for (const text of late) put(replica, text)
  core.wasm_state(replica)
  expect(`history ${total.histories}`, written(), state)
  core.wasm_close(replica)
  total.histories++
  total.events += texts.length
  total.waiting += history.state.waiting
  total.texts += history.state.text !== undefined

  if (total.histories > 1) continue
  // What is wrong is refused, with the reason, and changes nothing.
  const wrong = open(history)
  const altered = history.events[0].sig.slice(0, -1) + (history.events[0].sig.endsWith('0') ? '1' : '0')
  expect('another signature', put(wrong, texts[0].replace(history.events[0].sig, altered)), -1)
  expect('why', written(), "the signature is not the author's")
  expect('another kind', put(wrong, texts[0].replace('"kind":1570', '"kind":1571')), -1)
  expect('why', written(), "the id is not the event's")
  expect('half of it', put(wrong, texts[0].slice(0, 99)), -1)
  expect('a right one', withText(texts[0], (at, size) => core.wasm_verify(at, size)), 1)
  expect('no event', withText('[]', (at, size) => core.wasm_verify(at, size)), 0)
  core.wasm_state(wrong)
  expect('nothing counts', JSON.parse(written()).applied, 0)
  core.wasm_close(wrong)
}
console.log(JSON.stringify({ ...total, checks }))
if (total.histories < 100 || total.events < 500 || total.waiting === 0 || total.texts < 20 || checks < CHECKS_MAX) {
  console.log('too little was tested')
  process.exit(1)
}
