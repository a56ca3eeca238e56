// A real GPU node, for the length of a run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

// Its url once it is ready; lines: what it has logged.
export async function startNode(binary, ...options) {
    const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', ...options],
        { stdio: ['ignore', 'inherit', 'pipe'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const log = createInterface({ input: child.stderr });
    const lines = [];

    // The first line with these words, from that one on: there already, or yet to come.
    const line = (words, from = 0) => new Promise((resolve, reject) => {
        const look = (text) => {
            if (!text.includes(words))
                return;
            log.off('line', look);
            resolve(text);
        };
        const old = lines.slice(from).find((text) => text.includes(words));
        if (old !== undefined)
            return resolve(old);
        log.on('line', look);
        log.once('close', () => reject(new Error(`the node never said ${words}`)));
    });

    async function stop() {
        child.kill('SIGTERM');
        assert.equal(await ended, 0);
    }

    async function kill() {
        child.kill('SIGKILL');
        await ended;
    }

    log.on('line', (text) => lines.push(text));
    const [, url] = (await line('ready http:')).match(/ready (http:\S+)/);
    return { url, lines, line, stop, kill, pid: child.pid };
}
