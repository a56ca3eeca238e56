// Somebody with a key, a store and a shoal proxy, for the length of a run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export async function person(binary) {
    const home = mkdtempSync(join(tmpdir(), 'shoal-proxy-'));
    const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, SHOAL_AGENT: '', SHOAL_HOME: join(home, 'store') };
    const commandLines = []; // as the system shows them to others
    let heard = ''; // what was written to standard error

    function run(...words) {
        const child = spawn(binary, words, { cwd: home, env });
        let out = '';
        let error = '';
        child.stdout.on('data', (bytes) => (out += bytes));
        child.stderr.on('data', (bytes) => { error += bytes; heard += bytes; });
        return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, error })));
    }

    async function shoal(...words) {
        const { code, out, error } = await run(...words);
        assert.equal(code, 0, `${words.join(' ')}: ${error}`);
        return out.trim().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    }

    async function fails(why, ...words) {
        const { code, error } = await run(...words);
        assert.notEqual(code, 0);
        assert.match(error, new RegExp(why));
    }

    function file(name, text) {
        writeFileSync(join(home, name), text, { mode: 0o600 });
        return name;
    }

    // Runs until stop; kill is that of a crash.
    async function proxy(...words) {
        const child = spawn(binary, ['proxy', '--listen', '127.0.0.1:0', '--json', '--password-file', 'password', ...words],
            { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
        child.stderr.on('data', (bytes) => (heard += bytes));
        const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
        const url = await new Promise((resolve, reject) => {
            ended.then((code) => reject(new Error(`the proxy ended with ${code}: ${heard}`)));
            createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line).url));
        });
        commandLines.push(readFileSync(`/proc/${child.pid}/cmdline`), readFileSync(`/proc/${child.pid}/environ`));
        return {
            url,
            async stop() {
                child.kill('SIGTERM');
                assert.equal(await ended, 0, heard);
            },
            async kill() {
                child.kill('SIGKILL');
                await ended;
            },
        };
    }

    file('password', 'fish\n');
    await shoal('identity', 'new', '--password-file', 'password', '--cost', '4');
    return { home, env, store: env.SHOAL_HOME, shoal, fails, file, proxy, commandLines, heard: () => heard,
        leave: () => rmSync(home, { recursive: true, force: true }) };
}
