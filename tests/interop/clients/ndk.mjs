// NDK: its pool with one explicit relay, signing in when the relay asks for it.
import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayAuthPolicies } from '@nostr-dev-kit/ndk';

export const name = 'ndk';

export async function open(url) {
    const signer = NDKPrivateKeySigner.generate();
    const ndk = new NDK({ explicitRelayUrls: [url], signer, enableOutboxModel: false });
    ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
    await ndk.connect();
    const raw = (event) => event.rawEvent();
    return {
        pubkey: (await signer.user()).pubkey,
        async publish(template) {
            const event = new NDKEvent(ndk, template);
            await event.sign();
            await ndk.pool.getRelay(url).publish(event);
            return raw(event);
        },
        query: async (filter) => [...(await ndk.fetchEvents(filter))].map(raw),
        live(filter, onevent) {
            return new Promise((ready) => {
                const sub = ndk.subscribe(filter, { closeOnEose: false });
                sub.on('event', (event) => onevent(raw(event)));
                sub.on('eose', () => ready(() => sub.stop()));
            });
        },
        count: async (filter) => (await ndk.count(filter)).count,
        async close() {
            for (const relay of ndk.pool.relays.values()) relay.disconnect();
        },
    };
}
