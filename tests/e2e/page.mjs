// The page, opened in light and dark, wide and narrow; with hostile notes; with the relay going and
// coming back. node page.mjs RELAY [SCREENSHOTS]; see run.
import assert from 'node:assert/strict'
import { begin, contrasts, DESK, fits, launch, noWrongs, open, PHONE } from './browser.mjs'
import { Publisher } from './publish.mjs'
import { Relay } from './relay.mjs'

const RIGHT_TO_LEFT = '\u202e'
const HOSTILE = {
  script: '<script>window.hurt = 1</script><img src=x onerror="window.hurt = 1"> <b>bold</b>',
  reversed: `before ${RIGHT_TO_LEFT}reversed\u2066 after`,
  long: 'W'.repeat(5000),
  stacked: 'z' + '\u0310\u0311\u0312\u0313'.repeat(200) + 'algo',
  control: 'one\u0007\u001b[31mtwo\u200b\ufeff three',
  lines: 'first' + '\n'.repeat(500) + 'last',
  link: 'https://elsewhere.example/x.png javascript:alert(1)',
  arabic: 'مرحبا بالعالم',
  emoji: '👩‍👩‍👧‍👦'.repeat(300)
}

const { program, check, checks, picture } = begin()

const state = (page, is) => page.waitForSelector(`#state[data-is=${is}]`)
const note = (page, text) => page.waitForFunction((part) =>
  [...document.querySelectorAll('.what')].find((what) => what.textContent.includes(part))?.textContent, text)

const checkEmpty = async (browser, relay) => {
  const page = await open(browser, relay.url, { viewport: DESK, colorScheme: 'light' })
  await state(page, 'open')
  await check('an empty relay says so', () => page.waitForFunction(() =>
    document.querySelector('#empty').textContent.startsWith('No notes yet')))
  await check('it says what it is', async () => {
    await page.waitForFunction(() => document.title === 'The "little" <relay>')
    assert.equal(await page.textContent('h1'), 'The "little" <relay>')
    assert.equal(await page.textContent('#about'), 'Notes of <i>friends</i> & neighbours.')
    assert.match(await page.textContent('#facts'), /Contact.*keeper@example\.com.*Run by.*npub180cvv07…yjh6w6/s)
    assert.equal(await page.getAttribute('#facts a', 'href'), 'mailto:keeper@example.com')
  })
  await check('it says how to connect', async () => {
    assert.equal(await page.textContent('#address'), relay.url.replace('http', 'ws'))
    await page.click('#copy')
    await page.waitForFunction(() => document.querySelector('#copy').textContent === 'Copied')
  })
  await check('it says what it speaks, as its document does', async () => {
    const answer = await fetch(relay.url, { headers: { Accept: 'application/nostr+json' } })
    const { supported_nips: nips, limitation } = await answer.json()
    const shown = await page.$$eval('#nips b', (all) => all.map((one) => Number(one.textContent.slice(4))))
    assert.deepEqual(shown, nips)
    assert.ok(nips.includes(1) && nips.includes(42))
    assert.match(await page.textContent('#limits'), new RegExp(limitation.max_message_length.toLocaleString('en')))
  })
  await picture(page, 'empty')
  await check('nothing was wrong', () => noWrongs(page))
  return page
}

const checkLive = async (page, publisher) => {
  const before = await page.textContent('#stored')
  await check('a note appears as it is written', async () => {
    await publisher.publish('Good morning. The herring are back.')
    await note(page, 'The herring are back')
    assert.equal(await page.isHidden('#empty'), true)
    assert.match(await page.textContent('.who'), /^npub1.*now$/)
  })
  await check('the numbers follow', async () => {
    await page.waitForFunction((old) => document.querySelector('#stored').textContent !== old, before)
    assert.equal(Number(await page.textContent('#connections')) >= 2, true)
    assert.equal(Number(await page.textContent('#subscriptions')) >= 1, true)
  })
}

const checkHostile = async (page, publisher) => {
  for (const content of Object.values(HOSTILE)) await publisher.publish(content)
  await check('markup is text', async () => {
    await note(page, HOSTILE.script)
    assert.equal(await page.evaluate(() => window.hurt), undefined)
    assert.equal(await page.$('#notes img, #notes script, #notes b, #notes a'), null)
  })
  await check('what would reorder, stack or hide is left out', async () => {
    await note(page, 'before reversed after')
    await note(page, 'one[31mtwo three')
    await note(page, 'first\n\nlast')
    const stacked = await (await note(page, 'algo')).jsonValue()
    assert.equal(stacked, 'z\u0310\u0311algo')
  })
  await check('what is long is cut', async () => {
    await note(page, 'WWW')
    const highest = await page.$$eval('#notes li', (all) => Math.max(...all.map((one) => one.offsetHeight)))
    assert.ok(highest < 320, `the highest note has ${highest} pixels`)
  })
  await check('nothing went wrong or elsewhere', () => noWrongs(page))
}

const checkLook = async (browser, relay, publisher, name, settings) => {
  const page = await open(browser, relay.url, settings)
  await state(page, 'open')
  await note(page, 'The herring are back')
  await check(`${name}: stored notes are there, newest first, and fit`, async () => {
    const times = await page.$$eval('#notes li', (all) => all.map((one) => Number(one.dataset.at)))
    assert.ok(times.length >= 10)
    assert.deepEqual(times, times.toSorted((a, b) => b - a))
    await fits(page)
  })
  await check(`${name}: nothing jumps`, async () => {
    await publisher.publish(`Seen in ${name}.`)
    await note(page, `Seen in ${name}.`)
    const shifted = await page.evaluate(() => window.shifted)
    assert.ok(shifted < 0.05, `layout shift ${shifted}`)
  })
  await check(`${name}: texts stand out from their ground`, async () => {
    const poor = await page.evaluate(contrasts)
    assert.deepEqual(poor, [])
  })
  await picture(page, name)
  await check(`${name}: nothing was wrong`, () => noWrongs(page))
  await page.context().close()
}

const checkKeys = async (browser, relay) => {
  const page = await open(browser, relay.url, { viewport: DESK })
  await state(page, 'open')
  await check('the keyboard reaches everything, and shows where it is', async () => {
    const reached = []
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate(() => {
        const { activeElement } = document
        const outline = getComputedStyle(activeElement).outlineStyle
        return `${activeElement.id || activeElement.className || activeElement.tagName}${outline === 'none' ? ' unseen' : ''}`
      }))
    }
    for (const name of ['address', 'copy', 'SUMMARY', 'feed']) assert.ok(reached.includes(name), `${name} in ${reached}`)
  })
  await page.context().close()
}

const checkOutage = async (page, relay) => {
  assert.equal(await relay.stop(), 0)
  await check('a relay that is gone is said to be', async () => {
    await state(page, 'lost')
    await page.waitForFunction(() => document.querySelector('#connections').textContent === '–')
    assert.ok(await page.$$eval('#notes li', (all) => all.length) > 0, 'notes stay')
  })
  await picture(page, 'offline')
  page.wrongs.length = 0 // the browser says of each failed attempt that it failed
  await relay.start()
  const publisher = new Publisher(relay.url)
  await check('it is found again when it is back, without doubles', async () => {
    await state(page, 'open')
    await publisher.publish('Back again.')
    await note(page, 'Back again.')
    const ids = await page.$$eval('#notes li', (all) => all.map((one) => one.dataset.id))
    assert.equal(new Set(ids).size, ids.length)
  })
  publisher.close()
}

const relay = new Relay(program, {
  name: 'The "little" <relay>', description: 'Notes of <i>friends</i> & neighbours.', contact: 'keeper@example.com',
  pubkey: 'npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6'
})
const browser = await launch()
try {
  await relay.start()
  const publisher = new Publisher(relay.url)
  const page = await checkEmpty(browser, relay)
  await checkLive(page, publisher)
  await checkHostile(page, publisher)
  await checkLook(browser, relay, publisher, 'light', { viewport: DESK, colorScheme: 'light' })
  await checkLook(browser, relay, publisher, 'dark', { viewport: DESK, colorScheme: 'dark' })
  await checkLook(browser, relay, publisher, 'phone', { viewport: PHONE, colorScheme: 'light', deviceScaleFactor: 2, isMobile: true, hasTouch: true })
  await checkLook(browser, relay, publisher, 'phone-dark', { viewport: PHONE, colorScheme: 'dark', deviceScaleFactor: 2, isMobile: true, hasTouch: true })
  await checkKeys(browser, relay)
  publisher.close()
  await checkOutage(page, relay)
  assert.equal(await relay.stop(), 0, 'the relay ends cleanly')
  console.log(`${checks()} checks passed`)
} catch (error) {
  console.error(error)
  console.error(relay.log)
  process.exitCode = 1
} finally {
  await browser.close()
  await relay.stop()
  relay.remove()
}
