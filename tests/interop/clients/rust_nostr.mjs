// rust-nostr: nostr-sdk compiled to WebAssembly, its client and relay pool.
import sdk from '@rust-nostr/nostr-sdk';

export const name = 'rust-nostr';

sdk.loadWasmSync();

const TIMEOUT_S = 15;

export async function open(url) {
    const keys = sdk.Keys.generate();
    const client = new sdk.Client(sdk.NostrSigner.keys(keys));
    client.automaticAuthentication(true);
    await client.addRelay(url);
    await client.connect();
    await client.waitForConnection(sdk.Duration.fromSecs(TIMEOUT_S));
    const plain = (event) => JSON.parse(event.asJson());
    const filterOf = (filter) => sdk.Filter.fromJson(JSON.stringify(filter));
    const timeout = () => sdk.Duration.fromSecs(TIMEOUT_S);
    return {
        pubkey: keys.publicKey.toHex(),
        async publish({ kind, content, tags, created_at }) {
            const builder = new sdk.EventBuilder(new sdk.Kind(kind), content)
                .tags(tags.map((tag) => sdk.Tag.parse(tag)))
                .customCreatedAt(sdk.Timestamp.fromSecs(created_at));
            const event = builder.signWithKeys(keys);
            const copy = plain(event);
            const output = await client.sendEvent(event);
            if (output.success.length !== 1)
                throw new Error(`refused: ${output.failed.map((item) => item.error).join()}`);
            return copy;
        },
        query: async (filter) =>
            (await client.fetchEvents(filterOf(filter), timeout())).toVec().map(plain),
        async live(filter, onevent) {
            const ready = new Promise((resolve) => {
                client.handleNotifications({
                    handleEvent: async (_url, _sub, event) => {
                        onevent(plain(event));
                        return false;
                    },
                    handleMsg: async (_url, message) => {
                        if (message.asJson().startsWith('["EOSE","interop-live"')) resolve();
                        return false;
                    },
                });
            });
            await client.subscribeWithId('interop-live', filterOf(filter));
            await ready;
            return () => client.unsubscribe('interop-live');
        },
        async count(filter) {
            const relay = await client.relay(url);
            return Number(await relay.countEvents(filterOf(filter), timeout()));
        },
        close: () => client.shutdown(),
    };
}
