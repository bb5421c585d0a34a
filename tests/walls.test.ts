/** That the walls are really watched: each is broken once, in small projects of their own. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PROJECT_DIR } from '../sandbox/environment.ts'
import { run } from '../sandbox/run.ts'

interface Report {
  summary: { totalCruised: number; violations: { from: string; rule: { name: string } }[] }
}

let project: string

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'spreadwire-walls-'))
  await symlink(join(PROJECT_DIR, 'node_modules'), join(project, 'node_modules'))
})
afterEach(() => rm(project, { recursive: true, force: true }))

/** Writes the files and tells which of them break which rules. */
async function broken(files: Record<string, string>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true })
    await writeFile(join(project, path), text)
  }
  const rooms = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))]
  const config = join(PROJECT_DIR, '.dependency-cruiser.mjs')
  const tool = join(PROJECT_DIR, 'node_modules', '.bin', 'depcruise')
  const args = ['--config', config, '--output-type', 'json', ...rooms]
  const { stdout } = await run(tool, args, { cwd: project })
  const { summary }: Report = JSON.parse(stdout)
  expect(summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(files).length)
  return [...new Set(summary.violations.map(({ from, rule }) => `${rule.name} ${from}`))].sort()
}

const VALUE = 'export const value: number = 1'

const BREACHES = [
  ['wall-shared', 'shared/a.ts', 'workers/b.ts'],
  ['wall-workers', 'workers/a.ts', 'edge/b.ts'],
  ['wall-workers', 'workers/c.ts', 'sandbox/b.ts'],
  ['wall-edge', 'edge/a.ts', 'workers/b.ts'],
  ['wall-edge/dashboard', 'edge/dashboard/a.tsx', 'edge/b.ts'],
  ['wall-sandbox', 'sandbox/a.ts', 'workers/b.ts'],
  ['wall-workers-book', 'workers/book/a.ts', 'workers/feed/b.ts'],
  ['wall-workers-exchanges', 'workers/exchanges/a.ts', 'workers/feed/b.ts'],
  ['wall-workers-feed', 'workers/feed/a.ts', 'workers/detection/b.ts'],
  ['wall-workers-detection', 'workers/detection/a.ts', 'workers/lifecycle/b.ts'],
  ['wall-workers-lifecycle', 'workers/lifecycle/a.ts', 'workers/detection/walk.ts'],
  ['wall-workers-publish', 'workers/publish/a.ts', 'workers/alerts/b.ts'],
  ['wall-workers-alerts', 'workers/alerts/a.ts', 'workers/lifecycle/b.ts'],
  ['wall-workers-ops', 'workers/ops/a.ts', 'workers/main.ts'],
  ['wall-workers-backup', 'workers/backup/a.ts', 'workers/publish/b.ts'],
  ['no-tests-in-products', 'shared/c.ts', 'shared/testing.ts'],
] as const

const ofType = (from: string) => from.replace('.ts', '_type.ts')

/** Imports a value of that file, and beside it only a type. */
function breach(from: string, to: string): Record<string, string> {
  const way = `${'../'.repeat(from.split('/').length - 1)}${to}`
  return {
    [from]: `import { value } from './${way}'\nvalue`,
    [ofType(from)]: `import type { value } from './${way}'\nexport type A = typeof value`,
    [to]: VALUE,
  }
}

describe('the walls', () => {
  let found: readonly string[] = []
  it('see every breach', async () => {
    found = await broken(Object.assign({}, ...BREACHES.map(([, from, to]) => breach(from, to))))
    expect(found).toHaveLength(2 * BREACHES.length)
  })

  it.each(BREACHES)('%s: %s may not import %s, not even a type', (rule, from) => {
    expect(found).toContain(`${rule} ${from}`)
    expect(found).toContain(`${rule} ${ofType(from)}`)
  })

  it('refuses circles', async () => {
    const files = {
      'workers/a.ts': "import { b } from './b.ts'\nexport const a: number = b",
      'workers/b.ts': "import type { a } from './a.ts'\nexport const b: typeof a = 1",
    }
    expect(await broken(files)).toEqual(['no-circles workers/a.ts'])
  })

  it('keeps Node out of workerd and browsers, and most packages out of shared', async () => {
    expect(await broken({ 'edge/a.ts': "import 'node:fs'" })).toEqual([
      'no-node-outside-node edge/a.ts',
    ])
    expect(await broken({ 'shared/a.ts': "import 'ioredis'" })).toContain(
      'shared-packages shared/a.ts',
    )
  })

  it('keeps out of the worker what takes much memory, but for its types', async () => {
    const files = {
      'workers/a.ts': "import { value } from '../shared/database/schema.ts'\nvalue",
      'workers/gateway/b.ts': "import 'drizzle-orm'",
      'workers/ops/c.ts': "import { value } from './queue-board.ts'\nvalue",
      'workers/ops/d.ts':
        "import type { value } from './queue-board.ts'\nexport type D = typeof value",
      'workers/ops/e.ts': "await import('./queue-board.ts')",
      'workers/ops/queue-board.ts': VALUE,
      'workers/keys.ts': "import 'drizzle-orm'",
      'shared/database/schema.ts': VALUE,
    }
    expect(await broken(files)).toEqual([
      'light-worker workers/a.ts',
      'light-worker workers/gateway/b.ts',
      'light-worker workers/ops/c.ts',
    ])
  })

  it('lets tests through, and what is allowed', async () => {
    const files = {
      'workers/feed/a.ts': "import { value } from '../book/b.ts'\nvalue",
      'workers/book/b.ts':
        "import { value as one } from '../../shared/c.ts'\nexport const value = one",
      'workers/book/b.test.ts': "import { value } from '../../sandbox/d.ts'\nvalue",
      'shared/c.ts': VALUE,
      'sandbox/d.ts': VALUE,
    }
    expect(await broken(files)).toEqual([])
  })
})
