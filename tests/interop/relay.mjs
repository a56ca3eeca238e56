// A real relay for the length of a run: on TEST_DB in a schema of its own, else on its own cluster.
import { spawn } from 'node:child_process';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const START_MS = 60000;

export async function startRelay(binary, more = []) {
    const folder = mkdtempSync(join(tmpdir(), 'shoal-interop-'));
    chmodSync(folder, 0o755); // the relay's user passes through
    const flags = ['--config=/dev/null', '--listen_port=0', ...more];
    if (process.env.TEST_DB)
        flags.push(`--database=${process.env.TEST_DB}`, `--schema=interop_${process.pid}`);
    else flags.push(`--data_dir=${join(folder, 'data')}`);
    const child = spawn(binary, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve) => {
        child.on('exit', resolve);
        child.on('error', (error) => resolve(error.message));
    });
    let log = '';
    child.stderr.on('data', (bytes) => (log += bytes));
    const port = await new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`the relay is not ready\n${log}`)), START_MS);
        ended.then((code) => reject(new Error(`the relay ended: ${code}\n${log}`)));
        createInterface({ input: child.stdout }).on('line', (line) => {
            const ready = /^ready port=(\d+)/.exec(line);
            if (!ready) return;
            clearTimeout(late);
            resolve(Number(ready[1]));
        });
    });
    return {
        url: `ws://127.0.0.1:${port}/`,
        async stop() {
            child.kill('SIGTERM');
            const code = await ended;
            rmSync(folder, { recursive: true, force: true });
            return { code, log };
        },
    };
}
