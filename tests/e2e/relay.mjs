// A real relay with a database of its own, in a folder that is removed afterwards.
import { spawn } from 'node:child_process'
import { mkdtempSync, chmodSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export class Relay {
  constructor(program, options) {
    this.folder = mkdtempSync(join(tmpdir(), 'shoal-page-'))
    chmodSync(this.folder, 0o711) // the relay may become another user
    this.program = program
    this.options = options
    this.port = 0
  }

  async start() {
    const all = { listen_port: this.port, data_dir: join(this.folder, 'data'), ...this.options }
    const flags = Object.entries(all).map(([name, value]) => `--${name}=${value}`)
    this.child = spawn(this.program, ['run', '--config=/dev/null', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve(code ?? signal)))
    this.log = ''
    this.child.stderr.on('data', (data) => { this.log += data })
    const ready = new Promise((resolve) => {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        const found = /^ready port=(\d+)/.exec(line)
        if (found) resolve(Number(found[1]))
      })
    })
    const died = this.exited.then((code) => { throw new Error(`the relay ended with ${code}\n${this.log}`) })
    this.port = await Promise.race([ready, died])
    this.url = `http://127.0.0.1:${this.port}`
  }

  async stop() {
    if (!this.child) return 0
    this.child.kill('SIGTERM')
    return this.exited
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
