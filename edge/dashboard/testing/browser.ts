/** A real Chromium, headless and quiet, as sandbox/browser.ts finds or fetches it. */
import { type Browser, chromium } from 'playwright-core'
import { findChromium } from '../../../sandbox/browser.ts'
import { environment } from '../../../sandbox/environment.ts'

/** @throws when there is no browser: a page that nobody opened is not tested. */
export async function openBrowser(): Promise<Browser> {
  const { command, env } = await findChromium()
  return chromium.launch({
    executablePath: command,
    env: environment(env),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
