// Remote signers (NIP-46) of others, and shoal as their client over the real relay.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import NDK, { NDKNip46Backend, NDKPrivateKeySigner } from '@nostr-dev-kit/ndk';
import { finalizeEvent, generateSecretKey, getPublicKey, nip44, verifyEvent } from 'nostr-tools';
import { parseBunkerInput } from 'nostr-tools/nip46';
import { SimplePool } from 'nostr-tools/pool';

const KIND = 24133;

// A user's folder, and shoal run in it.
function person(binary) {
    const home = mkdtempSync(join(tmpdir(), 'shoal-bunker-'));
    writeFileSync(join(home, 'password'), 'fish\n');
    const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, SHOAL_AGENT: '' };
    const begin = (...words) =>
        spawn(binary, [...words, '--password-file', 'password'], { cwd: home, env });
    // The lines that it wrote, as JSON; each one also when it comes, to online.
    async function run(words, online = () => {}) {
        const child = begin(...words);
        const lines = [];
        let error = '';
        child.stderr.on('data', (bytes) => (error += bytes));
        createInterface({ input: child.stdout }).on('line', (line) => {
            lines.push(JSON.parse(line));
            online(lines.at(-1));
        });
        const code = await new Promise((resolve) => child.on('close', resolve));
        assert.equal(code, 0, error);
        return lines;
    }
    return {
        run,
        write: (name, line) => writeFileSync(join(home, name), `${line}\n`),
        clear: () => rmSync(home, { recursive: true, force: true }),
    };
}

async function signs(someone, pubkey) {
    const content = 'h\u00e9llo \u{1f41f} "quoted" \\ line\nbreak\ttab \u007f \u2028';
    const words = ['event', '--content', content, '--tag', 't=fi"sh', '--created-at', '1700000000'];
    const [event] = await someone.run(words);
    assert.equal(event.pubkey, pubkey);
    assert.equal(event.content, content);
    assert.deepEqual(event.tags, [['t', 'fi"sh']]);
    assert.ok(verifyEvent(event));
}

// NDK's bunker, as it is.
async function withNdk(url, binary) {
    const signer = NDKPrivateKeySigner.generate();
    const ndk = new NDK({ explicitRelayUrls: [url], enableOutboxModel: false });
    await ndk.connect();
    const backend = new NDKNip46Backend(ndk, signer, async () => true);
    const tokens = [];
    backend.applyToken = async (pubkey, token) => void tokens.push(token);
    const listening = new Promise((oneose) => {
        const subscribe = ndk.subscribe.bind(ndk); // which does not say when it is heard
        ndk.subscribe = (filter, options) => {
            const subscription = subscribe(filter, options);
            subscription.on('eose', oneose);
            return subscription;
        };
    });
    await backend.start();
    await listening;
    const { pubkey } = await signer.user();
    const someone = person(binary);
    someone.write('place', `bunker://${pubkey}?relay=${encodeURIComponent(url)}&secret=a%26b`);
    const words = ['identity', 'import', '--from', 'place', '--cost', '4'];
    const [shown] = await someone.run(words);
    assert.equal(shown.pubkey, pubkey);
    assert.deepEqual(tokens, ['a&b']);
    const place = await parseBunkerInput(shown.bunker);
    assert.equal(place.pubkey, pubkey);
    assert.deepEqual(place.relays, [url]);
    await signs(someone, pubkey);
    someone.clear();
    for (const relay of ndk.pool.relays.values()) relay.disconnect();
}

// A signer of nostr-tools' parts, which was shown our address.
async function withNostrTools(url, binary) {
    const [self, user] = [generateSecretKey(), generateSecretKey()];
    const pool = new SimplePool();
    const say = (to, reply) => {
        const key = nip44.getConversationKey(self, to);
        const content = nip44.encrypt(JSON.stringify(reply), key);
        const event = { kind: KIND, tags: [['p', to]], content, created_at: Math.floor(Date.now() / 1000) };
        return Promise.any(pool.publish([url], finalizeEvent(event, self)));
    };
    const does = {
        get_public_key: () => getPublicKey(user),
        sign_event: (json) => JSON.stringify(finalizeEvent(JSON.parse(json), user)),
        nip44_encrypt: (peer, text) => nip44.encrypt(text, nip44.getConversationKey(user, peer)),
        nip44_decrypt: (peer, text) => nip44.decrypt(text, nip44.getConversationKey(user, peer)),
    };
    const listening = new Promise((oneose) => {
        const onevent = (event) => {
            const key = nip44.getConversationKey(self, event.pubkey);
            const { id, method, params } = JSON.parse(nip44.decrypt(event.content, key));
            say(event.pubkey, { id, result: does[method](...params) });
        };
        pool.subscribe([url], { kinds: [KIND], '#p': [getPublicKey(self)], limit: 0 }, { onevent, oneose });
    });
    await listening;
    const someone = person(binary);
    const words = ['identity', 'connect', '--relay', url, '--cost', '4'];
    const [, shown] = await someone.run(words, ({ offer }) => {
        if (!offer) return;
        const { host, pathname, searchParams } = new URL(offer);
        assert.deepEqual(searchParams.getAll('relay'), [url]);
        assert.ok(searchParams.get('perms').split(',').includes('sign_event'));
        say(host || pathname.slice(2), { id: 'x', result: searchParams.get('secret') });
    });
    assert.equal(shown.pubkey, getPublicKey(user));
    await signs(someone, getPublicKey(user));
    someone.clear();
    pool.close([url]);
}

export async function bunkers(check, url, binary) {
    await check('shoal with the bunker of ndk', () => withNdk(url, binary));
    await check('shoal with a bunker of nostr-tools', () => withNostrTools(url, binary));
}
