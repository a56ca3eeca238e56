// Signs and publishes events as any client does.
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import WebSocket from 'ws'

export class Publisher {
  constructor(url) {
    this.secret = generateSecretKey()
    this.pubkey = getPublicKey(this.secret)
    this.waiting = new Map()
    this.socket = new WebSocket(url.replace(/^http/, 'ws'))
    this.socket.on('message', (data) => {
      const [type, id, accepted, why] = JSON.parse(data)
      if (type === 'OK') this.waiting.get(id)?.({ accepted, why })
    })
    this.ended = new Promise((resolve) => this.socket.on('close', resolve))
    this.opened = new Promise((resolve, reject) => this.socket.on('open', resolve).on('error', reject))
  }

  async publish(content, { created_at = Math.floor(Date.now() / 1000), kind = 1, tags = [] } = {}) {
    await this.opened
    const event = finalizeEvent({ kind, created_at, tags, content }, this.secret)
    const answer = new Promise((resolve) => this.waiting.set(event.id, resolve))
    this.socket.send(JSON.stringify(['EVENT', event]))
    const { accepted, why } = await answer
    if (!accepted) throw new Error(`refused: ${why}`)
    return event
  }

  close() {
    this.socket.terminate()
  }
}
