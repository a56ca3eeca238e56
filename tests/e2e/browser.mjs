// What the tests of the relay's pages share: Chromium, pages that remember what went wrong, pictures.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']
export const PHONE = { width: 360, height: 740 }
export const DESK = { width: 1280, height: 900 }

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS })

/* What the command line says: RELAY [SCREENSHOTS]. */
export const begin = () => {
  const [program, pictures] = process.argv.slice(2)
  if (pictures) mkdirSync(pictures, { recursive: true })
  let checks = 0
  const check = async (what, body) => {
    await body()
    checks++
    console.log(`ok ${checks} ${what}`)
  }
  const picture = async (page, name) => {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
  }
  return { program, check, picture, checks: () => checks }
}

/* A page that remembers everything it should not have done. */
export const open = async (browser, url, { before, ...settings }) => {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...settings })
  const page = await context.newPage()
  page.wrongs = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.wrongs.push(message.text())
  })
  page.on('pageerror', (error) => page.wrongs.push(String(error)))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(url).origin && protocol !== 'data:') page.wrongs.push(`asked ${request.url()}`)
  })
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(url).host) page.wrongs.push(`asked ${socket.url()}`)
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error('policy', event.violatedDirective))
    window.shifted = 0
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifted += shift.value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await before?.(page)
  await page.goto(url)
  return page
}

export const noWrongs = (page) => assert.deepEqual(page.wrongs, [])
export const fits = async (page) => {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.equal(width, 0, 'nothing is wider than the screen')
}

/* Runs in the page: texts with a contrast below WCAG's 4.5. */
export const contrasts = () => {
  const parse = (color) => color.match(/[\d.]+/g).map(Number)
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = (element) => {
    const color = parse(getComputedStyle(element).backgroundColor)
    return color[3] === 0 && element.parentElement ? ground(element.parentElement) : color
  }
  return [...document.querySelectorAll('h1,h2,p,dt,dd,code,button,summary,li b,th,td,time,.what,footer')]
    .filter((element) => element.textContent.trim() && element.offsetParent)
    .map((element) => {
      const [high, low] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a)
      return [element.tagName, element.className || element.id, (high + 0.05) / (low + 0.05)]
    })
    .filter(([, , ratio]) => ratio < 4.5)
}
