// A wallet service (NIP-47) of the test's own, on a real relay: it makes invoices as BOLT 11 has
// them, knows what was paid, and does wrong where it is told to.
import { createHash, randomBytes } from 'node:crypto';
import { bech32 } from '@scure/base';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import * as nip44 from 'nostr-tools/nip44';
import WebSocket from 'ws';

const now = () => Math.floor(Date.now() / 1000);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

function number(value, length) {
    const out = [];
    for (let rest = value; length > 0; length--) {
        out.unshift(rest % 32);
        rest = Math.floor(rest / 32);
    }
    return out;
}

// Without a signature that means anything: nobody looks at it.
export function writeInvoice(msat, hash, { at = now(), life = 3600 } = {}) {
    const field = (type, words) => [type, ...number(words.length, 2), ...words];
    const words = [...number(at, 7), ...field(1, bech32.toWords(hash)),
        ...field(6, number(life, 4)), ...new Array(104).fill(0)];
    return bech32.encode(`lnbc${msat * 10}p`, words, false);
}

export class WalletService {
    constructor(relay) {
        this.relay = relay;
        this.secret = generateSecretKey();
        this.pubkey = getPublicKey(this.secret);
        this.client = generateSecretKey();
        this.key = nip44.getConversationKey(this.secret, getPublicKey(this.client));
        this.uri = `nostr+walletconnect://${this.pubkey}?relay=${encodeURIComponent(relay)}`
            + `&secret=${Buffer.from(this.client).toString('hex')}`;
        this.payments = new Map(); // by hash
        this.requests = [];
        this.waiters = [];
        this.answers = {}; // by method: what is done instead
    }

    send(template) {
        this.socket.send(JSON.stringify(['EVENT', finalizeEvent(
            { created_at: now(), content: '', tags: [], ...template }, this.secret)]));
    }

    seal(value) {
        return nip44.encrypt(JSON.stringify(value), this.key);
    }

    async start({ encryption = 'nip44_v2 nip04' } = {}) {
        this.socket = new WebSocket(this.relay);
        const socket = this.socket;
        await new Promise((resolve) => socket.once('open', resolve));
        const ready = new Promise((resolve) => {
            socket.on('message', (bytes) => {
                const [type, , event] = JSON.parse(bytes);
                if (type === 'EOSE')
                    resolve();
                if (type === 'EVENT' && event.kind === 23194)
                    this.hear(event);
            });
        });
        socket.send(JSON.stringify(['REQ', 'w', { kinds: [23194], '#p': [this.pubkey] }]));
        await ready;
        this.infoAt = Math.max(now(), (this.infoAt ?? 0) + 1); // one that is newer each time
        this.send({ kind: 13194, created_at: this.infoAt,
            content: 'pay_invoice make_invoice lookup_invoice notifications',
            tags: [['encryption', encryption], ['notifications', 'payment_received payment_sent']] });
    }

    stop() {
        this.socket.terminate();
    }

    hear(event) {
        const request = JSON.parse(nip44.decrypt(event.content, this.key));
        request.event = event;
        this.requests.push(request);
        this.waiters = this.waiters.filter((waiter) => !waiter(request));
        const answer = (this.answers[request.method] ?? this[request.method]).call(this,
            request.params, request);
        if (answer !== undefined)
            this.answer(request, answer);
    }

    // Resolves with the next request of that method.
    next(method) {
        return new Promise((resolve) => {
            this.waiters.push((request) => request.method === method && (resolve(request), true));
        });
    }

    answer(request, { error = null, ...result }, { id = request.event.id } = {}) {
        const content = { result_type: request.method, error, result: error ? null : result };
        this.send({ kind: 23195, content: this.seal(content),
            tags: [['p', getPublicKey(this.client)], ['e', id]] });
    }

    note(type, notification) {
        this.send({ kind: 23197, content: this.seal({ notification_type: type, notification }),
            tags: [['p', getPublicKey(this.client)]] });
    }

    make_invoice({ amount }) {
        const preimage = randomBytes(32);
        const hash = sha256(preimage);
        const payment = { type: 'incoming', state: 'pending', amount,
            invoice: writeInvoice(amount, hash), payment_hash: hash.toString('hex'),
            created_at: now(), expires_at: now() + 3600 };
        this.payments.set(payment.payment_hash, { ...payment, preimage: preimage.toString('hex') });
        return payment;
    }

    // Somebody's invoice, which the service can pay.
    foreign(msat, options) {
        const preimage = randomBytes(32);
        const hash = sha256(preimage);
        this.payments.set(hash.toString('hex'), { type: 'outgoing', state: 'none', amount: msat,
            payment_hash: hash.toString('hex'), preimage: preimage.toString('hex') });
        return writeInvoice(msat, hash, options);
    }

    static hash(invoice) {
        const { words } = bech32.decode(invoice, false);
        for (let at = 7; at < words.length - 104; at += 3 + words[at + 1] * 32 + words[at + 2])
            if (words[at] === 1)
                return Buffer.from(bech32.fromWords(words.slice(at + 3, at + 55))).toString('hex');
        throw new Error('an invoice without a hash');
    }

    find(invoice) {
        return this.payments.get(WalletService.hash(invoice));
    }

    // A payment comes in.
    receive(invoice, { tells = true, amount } = {}) {
        const payment = this.find(invoice);
        Object.assign(payment, { state: 'settled', settled_at: now() });
        if (amount !== undefined)
            payment.amount = amount;
        if (tells)
            this.note('payment_received', payment);
        return payment;
    }

    settle(invoice, fees_paid = 1000) {
        return Object.assign(this.find(invoice), { state: 'settled', settled_at: now(), fees_paid });
    }

    pay_invoice({ invoice }) {
        const { preimage, fees_paid } = this.settle(invoice);
        return { preimage, fees_paid };
    }

    lookup_invoice({ payment_hash }) {
        const payment = this.payments.get(payment_hash);
        if (payment === undefined || payment.state === 'none')
            return { error: { code: 'NOT_FOUND', message: 'no such payment' } };
        const { preimage, ...rest } = payment;
        return payment.state === 'settled' ? payment : rest;
    }
}
