/**
 * A Chromium for tests: the one that CHROMIUM_PATH names, one of this machine, else one installed or
 * unpacked from Debian's packages, else Playwright's own download. It starts no browser.
 */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { findOnPath, installFromApt, type Program, unpackFromApt } from './apt.ts'
import { environment, PROJECT_DIR, TOOLS_DIR, variable } from './environment.ts'
import { SetupError } from './failure.ts'
import { run } from './run.ts'

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
/** What the program is called inside Playwright's archives on Linux and macOS. */
const DOWNLOADED_NAMES = new Set(['chrome', 'Chromium', 'Google Chrome for Testing'])

/** @throws SetupError when there is none and none can be had */
export async function findChromium(): Promise<Program> {
  const named = variable('CHROMIUM_PATH')
  if (named !== undefined) {
    const program = await findOnPath([named])
    if (program !== undefined) return program
    throw new SetupError(`CHROMIUM_PATH is set and ${named} does not run`)
  }
  const found =
    (await findOnPath(NAMES)) ??
    ((await installFromApt('chromium')) ? await findOnPath(NAMES) : undefined) ??
    (await unpackFromApt('chromium', 'usr/lib/chromium/chromium')) ??
    (await download())
  if (found !== undefined) return found
  throw new SetupError(
    'Chromium is needed for the browser tests and was not found: install it (Debian: apt-get install chromium; macOS: brew install --cask chromium) or set CHROMIUM_PATH to any Chrome or Chromium',
  )
}

async function download(): Promise<Program | undefined> {
  const folder = join(TOOLS_DIR, 'browsers')
  const cli = join(PROJECT_DIR, 'node_modules', 'playwright-core', 'cli.js')
  const done = await run(process.execPath, [cli, 'install', '--no-shell', 'chromium'], {
    env: environment({ PLAYWRIGHT_BROWSERS_PATH: folder }),
  })
  if (!done.ok) return undefined
  const files = await readdir(folder, { recursive: true })
  const programs = files.filter((file) => DOWNLOADED_NAMES.has(basename(file)))
  return findOnPath(programs.map((file) => join(folder, file)))
}
