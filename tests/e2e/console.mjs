// The operators' console, signed in to by an extension and by a link: what it shows and what it does.
// node console.mjs RELAY [SCREENSHOTS]; see run.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { getToken } from 'nostr-tools/nip98'
import { begin, contrasts, DESK, fits, launch, noWrongs, open, PHONE } from './browser.mjs'
import { Publisher } from './publish.mjs'
import { Relay } from './relay.mjs'

const { program, check, checks, picture } = begin()
const operator = generateSecretKey(), stranger = generateSecretKey()
const hex = (secret) => Buffer.from(secret).toString('hex')
const HOSTILE = '<img src=x onerror="window.hurt = 1"> \u202ereversed'

/* NIP-07, as an extension would put it there: it signs whatever the page asks for. */
const extension = (secret) => async (page) => {
  await page.exposeFunction('signWithTestKey', (event) => finalizeEvent(event, secret))
  await page.addInitScript(() => {
    window.nostr = { signEvent: (event) => window.signWithTestKey(event) }
  })
}
const consoleOf = (relay) => `${relay.url}/admin`
const signIn = async (browser, relay, secret, settings) => {
  const page = await open(browser, consoleOf(relay), { viewport: DESK, before: extension(secret), ...settings })
  await page.click('#extension')
  return page
}
const says = (page, text) => page.waitForFunction((part) => document.querySelector('#note').textContent.includes(part), text)
const has = (page, selector, text) => page.waitForFunction(([where, part]) =>
  document.querySelector(where)?.textContent.includes(part), [selector, text])
const answer = async (page, yes, why) => {
  await page.waitForSelector('#ask[open]')
  if (why !== undefined) await page.fill('#ask-why', why)
  await page.click(yes ? '#ask-yes' : '#ask button[value=no]')
}
const tab = (page, title) => page.click(`#tabs button:has-text("${title}")`)
/* The other process is told, not asked: it may take some milliseconds more. */
const becomes = async (publisher, accepted, why) => {
  for (const until = Date.now() + 5000; ;) {
    const outcome = await publisher.publish(`again ${Math.random()}`).then(() => 'accepted', (error) => error.message)
    if (accepted ? outcome === 'accepted' : outcome.includes(why)) return
    assert.ok(Date.now() < until, outcome)
  }
}
const refused = (publisher, why) => becomes(publisher, false, why)
const accepted = (publisher) => becomes(publisher, true)

const checkDoor = async (browser, relay) => {
  const page = await open(browser, consoleOf(relay), { viewport: DESK })
  await check('without an extension it says so, and how else', async () => {
    await page.click('#extension')
    assert.equal(await page.isVisible('#hint'), true)
    assert.match(await page.textContent('#door pre'), new RegExp(`--url ${relay.url} link`))
    assert.equal(await page.isHidden('#desk'), true)
    assert.deepEqual(await page.evaluate(contrasts), [])
  })
  await picture(page, 'console-door')
  await check('nothing was wrong at the door', () => noWrongs(page))
  await page.context().close()
  const other = await signIn(browser, relay, stranger)
  await check('a stranger is not let in', async () => {
    await says(other, 'this key may not manage the relay')
    assert.equal(await other.isHidden('#desk'), true)
  })
  await other.context().close()
}

const checkNumbers = async (page, publisher) => {
  await check('live numbers, with their lines', async () => {
    assert.match(await page.textContent('#who'), /^Signed in as npub1/)
    for (let i = 0; i < 20; i++) await publisher.publish(`Note ${i}`)
    await page.waitForFunction(() => Number(document.querySelectorAll('#numbers dd')[2].textContent) > 0)
    assert.equal(await page.$$eval('#numbers polyline', (all) => all.filter((line) => line.getAttribute('points')).length) > 3, true)
    assert.equal(Number(await page.textContent('#numbers dd')) >= 1, true)
  })
  await check('what is stored lately, and by whom', async () => {
    await has(page, '#kinds', '1 · Notes')
    await has(page, '#people', 'npub1')
    await has(page, '#addresses', '127.0.0.1')
    assert.match(await page.textContent('#database'), /Version1[5-9]\..*Connections\d+ of \d+/)
    assert.match(await page.textContent('#queues'), /Waiting for a batch0.*Database connections up\d/)
  })
  await check('the configuration, without its secrets', async () => {
    await page.click('details summary')
    await has(page, '#config', 'admin_pubkeys = ')
    assert.match(await page.textContent('#config'), /listen_port = /)
  })
}

const checkReports = async (page, publisher, reporter) => {
  const bad = await publisher.publish(HOSTILE)
  const fine = await publisher.publish('A good note.')
  for (const { id } of [bad, fine]) {
    await reporter.publish(`about ${id.slice(0, 4)}`, { kind: 1984, tags: [['e', id, 'spam'], ['p', publisher.pubkey]] })
  }
  await check('reported events are shown as text', async () => {
    await has(page, '#reports', 'A good note.')
    await has(page, '#reports', '<img src=x')
    assert.equal(await page.evaluate(() => window.hurt), undefined)
    assert.equal((await page.textContent('#reports')).includes('\u202e'), false)
  })
  await picture(page, 'console-reports')
  await check('one that is fine is judged', async () => {
    await page.click('#reports li:has-text("A good note.") button:has-text("It is fine")')
    await says(page, 'Kept.')
    await page.waitForFunction(() => !document.querySelector('#reports').textContent.includes('A good note.'))
  })
  await check('one that is not can be banned, or left', async () => {
    const press = () => page.click('#reports li:has-text("<img") button:has-text("Ban event")')
    await press()
    await answer(page, false)
    assert.match(await page.textContent('#reports'), /<img/)
    await press()
    await answer(page, true, 'markup')
    await says(page, 'Banned.')
    await has(page, '#reports', 'Nothing is waiting')
    await tab(page, 'Banned events')
    await has(page, '#items', 'markup')
  })
}

const checkLists = async (page, publisher, reporter) => {
  await check('a person is banned by npub, and let in again', async () => {
    await tab(page, 'Banned people')
    await page.fill('#what', publisher.pubkey)
    await page.fill('#why', 'because <b>')
    await page.click('#add')
    await answer(page, true)
    await says(page, 'Added.')
    await has(page, '#items', 'because <b>')
    await refused(publisher, 'blocked: this key is banned')
    await page.click('#items button:has-text("Remove")')
    await says(page, 'Removed.')
    await has(page, '#items', 'Nobody and nothing.')
    await accepted(publisher)
  })
  await check('what cannot be is refused, and said', async () => {
    await tab(page, 'Refused kinds')
    await page.fill('#what', 'bob')
    await page.click('#add')
    await says(page, 'expected a kind from 0 to 65535')
    page.wrongs.length = 0 // the browser says of each answer over 400 that it was one
  })
  await check('kinds are refused, or only some are taken, and all again', async () => {
    await page.fill('#what', '1')
    await page.keyboard.press('Enter')
    await says(page, 'Added.')
    await refused(publisher, 'kind 1 is not taken here')
    await page.click('#items button:has-text("Remove")')
    await says(page, 'Removed.')
    await accepted(publisher)
    await tab(page, 'Only these kinds')
    await page.fill('#what', '7')
    await page.click('#add')
    await answer(page, true)
    await has(page, '#items', '7')
    await refused(publisher, 'kind 1 is not taken here')
    await page.click('#items button:has-text("Remove")')
    await has(page, '#items', 'Nobody and nothing.')
    await accepted(publisher)
  })
  await check('an address is blocked, and what is open from there closes', async () => {
    await tab(page, 'Blocked addresses')
    await page.fill('#what', '127.0.0.1')
    await page.click('#add')
    await has(page, '#items', '127.0.0.1')
    await Promise.all([publisher.ended, reporter.ended])
    await page.click('#items button:has-text("Remove")')
    await has(page, '#items', 'Nobody and nothing.')
  })
}

const checkOtherTools = async (relay) => {
  const ask = async (secret, method, params = []) => {
    const body = { method, params }
    const answer = await fetch(relay.url, {
      method: 'POST', body: JSON.stringify(body),
      headers: {
        'Content-Type': 'application/nostr+json+rpc',
        Authorization: await getToken(relay.url, 'POST', (event) => finalizeEvent(event, secret), true, body)
      }
    })
    return answer.json()
  }
  await check('other tools are understood: nostr-tools signs the request', async () => {
    assert.ok((await ask(operator, 'supportedmethods')).result.includes('banpubkey'))
    assert.deepEqual(await ask(operator, 'listbannedpubkeys'), { result: [] })
    assert.match((await ask(stranger, 'supportedmethods')).error, /^restricted: /)
  })
}

const checkAbout = async (page, relay) => {
  await check('the relay is called something else, and what it was again', async () => {
    assert.equal(await page.inputValue('#about-name'), 'Harbour')
    await page.fill('#about-name', 'Quay "1"')
    await page.fill('#about-description', 'By the water.')
    await page.click('#about button')
    await says(page, 'Saved.')
    await has(page, 'h1', 'Quay "1"')
    const ask = async () => (await fetch(relay.url, { headers: { Accept: 'application/nostr+json' } })).json()
    const isTold = ({ name, description }) => name === 'Quay "1"' && description === 'By the water.'
    for (const until = Date.now() + 5000; !isTold(await ask());) assert.ok(Date.now() < until) // whichever process answers
    await page.fill('#about-name', '')
    await page.click('#about button')
    await has(page, 'h1', 'Harbour')
  })
}

const checkLook = async (browser, relay, name, settings) => {
  const page = await signIn(browser, relay, operator, settings)
  await has(page, '#kinds', 'Notes')
  await check(`${name}: it fits, and texts stand out`, async () => {
    await fits(page)
    assert.deepEqual(await page.evaluate(contrasts), [])
  })
  await picture(page, `console-${name}`)
  await check(`${name}: nothing was wrong`, () => noWrongs(page))
  await page.context().close()
}

const checkLink = async (browser, relay) => {
  const key = `${hex(operator)}\n`
  const link = execFileSync(program, ['admin', '--config=/dev/null', `--url=${relay.url}`, 'link'], { input: key, stdio: ['pipe', 'pipe', 'ignore'] }).toString().trim()
  const page = await open(browser, link, { viewport: DESK })
  await check('a signed link lets in, once, and leaves no trace', async () => {
    await has(page, '#kinds', 'Notes')
    assert.equal(page.url(), consoleOf(relay))
    assert.deepEqual(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]), ['', 0, 0])
    noWrongs(page)
    const again = await open(browser, link, { viewport: DESK })
    await says(again, 'this event was used already')
    assert.equal(await again.isHidden('#desk'), true)
    await again.context().close()
  })
  await check('signing out ends it', async () => {
    await page.click('#leave')
    await says(page, 'Signed out.')
    assert.equal(await page.isHidden('#desk'), true)
  })
  await page.context().close()
}

const checkKeys = async (page) => {
  await check('the keyboard reaches everything, and shows where it is', async () => {
    const reached = new Set()
    await page.evaluate(() => document.activeElement.blur())
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab')
      const seen = await page.evaluate(() => {
        const { activeElement, body } = document
        if (activeElement === body) return 'body' // once round
        return getComputedStyle(activeElement).outlineStyle === 'none' ? `unseen ${activeElement.id}` : activeElement.id || activeElement.textContent
      })
      assert.equal(seen.startsWith('unseen'), false, seen)
      reached.add(seen)
    }
    for (const name of ['leave', 'what', 'add', 'about-name', 'items']) assert.ok(reached.has(name), `${name} in ${[...reached]}`)
  })
}

const relay = new Relay(program, { name: 'Harbour', admin_pubkeys: getPublicKey(operator), processes: 2 })
const plain = new Relay(program, {})
const browser = await launch()
try {
  await relay.start()
  const publisher = new Publisher(relay.url), reporter = new Publisher(relay.url)
  await checkDoor(browser, relay)
  const page = await signIn(browser, relay, operator)
  await page.waitForSelector('#desk:not([hidden])')
  await checkNumbers(page, publisher)
  await picture(page, 'console')
  await checkReports(page, publisher, reporter)
  await check('nothing was wrong so far', () => noWrongs(page))
  await checkLists(page, publisher, reporter)
  await checkOtherTools(relay)
  await checkAbout(page, relay)
  await checkKeys(page)
  await checkLook(browser, relay, 'dark', { viewport: DESK, colorScheme: 'dark' })
  await checkLook(browser, relay, 'phone', { viewport: PHONE, colorScheme: 'light', deviceScaleFactor: 2, isMobile: true, hasTouch: true })
  await checkLink(browser, relay)
  assert.equal(await relay.stop(), 0, 'the relay ends cleanly')
  await plain.start()
  await check('without operators there is no console', async () => {
    assert.equal((await fetch(consoleOf(plain))).status, 404)
  })
  assert.equal(await plain.stop(), 0)
  console.log(`${checks()} checks passed`)
} catch (error) {
  console.error(error)
  console.error(relay.log)
  process.exitCode = 1
} finally {
  await browser.close()
  for (const one of [relay, plain]) {
    await one.stop()
    one.remove()
  }
}
