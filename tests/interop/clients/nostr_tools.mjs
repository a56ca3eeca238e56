// nostr-tools: SimplePool, with the events signed by its pure module.
import { SimplePool, useWebSocketImplementation } from 'nostr-tools/pool';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import WebSocket from 'ws';

export const name = 'nostr-tools';

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
        close: async () => pool.destroy(),
    };
}
