// nostr-tools: SimplePool, with the events signed by its pure module.
import { nip77 } from 'nostr-tools';
import { SimplePool, useWebSocketImplementation } from 'nostr-tools/pool';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import WebSocket from 'ws';

export const name = 'nostr-tools';
export const reconciles = true;

export function open(url) {
    useWebSocketImplementation(WebSocket);
    const secret = generateSecretKey();
    const pool = new SimplePool();
    const onauth = async (template) => finalizeEvent(template, secret);
    return {
        pubkey: getPublicKey(secret),
        async publish(template) {
            const event = finalizeEvent(template, secret);
            await Promise.all(pool.publish([url], event, { onauth }));
            return event;
        },
        query: (filter) => pool.querySync([url], filter, { onauth }),
        live(filter, onevent) {
            return new Promise((ready) => {
                const sub = pool.subscribe([url], filter, {
                    onevent,
                    onauth,
                    oneose: () => ready(() => sub.close()),
                });
            });
        },
        count: async (filter) => (await pool.ensureRelay(url)).count([filter], {}),
        reconcile: async (events, filter) => {
            const storage = new nip77.NegentropyStorageVector();
            for (const event of events) storage.insert(event.created_at, event.id);
            storage.seal();
            const have = [];
            const need = [];
            const relay = await pool.ensureRelay(url);
            await new Promise((done, failed) => {
                const sync = new nip77.NegentropySync(relay, storage, filter, {
                    onhave: (id) => have.push(id),
                    onneed: (id) => need.push(id),
                    onclose: (reason) => (reason ? failed(new Error(reason)) : done()),
                });
                sync.start().catch(failed);
            });
            return { have, need };
        },
        close: async () => pool.destroy(),
    };
}
