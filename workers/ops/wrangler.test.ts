/**
 * That `wrangler deploy` would upload the edge as it is meant, to each environment: nothing of what an
 * environment does not inherit was forgotten. Nothing is sent anywhere.
 */

import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Unstable_Config, unstable_readConfig } from 'wrangler'
import { readSettings } from '../../edge/environment.ts'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { run } from '../../sandbox/run.ts'

const CONFIG = join(PROJECT_DIR, 'wrangler.toml')
const ENVIRONMENTS = ['staging', 'production'] as const

/** What wrangler makes of the file for one environment, without its name and what only it is. */
function meant(env?: string): Omit<Unstable_Config, 'name'> {
  const {
    name: _name,
    targetEnvironment: _env,
    ...rest
  } = unstable_readConfig({ config: CONFIG, env })
  return rest
}

describe('wrangler.toml', () => {
  it('describes every environment as the file itself', () => {
    for (const env of ENVIRONMENTS) expect(meant(env)).toEqual(meant())
  })

  it('gives staging a name of its own, and production that of the file', () => {
    const names = [undefined, ...ENVIRONMENTS].map(
      (env) => unstable_readConfig({ config: CONFIG, env }).name,
    )
    expect(names).toEqual(['spreadwire-edge', 'spreadwire-edge-staging', 'spreadwire-edge'])
  })

  it('has what the edge needs: cron, hub, assets, logs, and the secrets that it refuses to miss', () => {
    const config = meant('production')
    expect(config.triggers).toEqual({ crons: ['* * * * *'] })
    expect(config.durable_objects.bindings).toMatchObject([{ name: 'STREAM_HUB' }])
    expect(config.migrations).toMatchObject([{ new_sqlite_classes: ['StreamHub'] }])
    expect(config.assets).toMatchObject({
      binding: 'ASSETS',
      run_worker_first: ['/*', '!/assets/*'],
    })
    expect(config.observability).toMatchObject({ enabled: true })
    expect(config.compatibility_flags).toContain('enable_request_signal')
    const refused = readSettings({})
    const missing = refused.ok ? [] : refused.problems.map((problem) => problem.split(':')[0])
    expect([...(config.secrets?.required ?? [])].toSorted()).toEqual(missing.toSorted())
  })

  it('holds no value of a secret', () => {
    expect(Object.keys(meant().vars)).toEqual([])
    const text = readFileSync(CONFIG, 'utf8')
    expect(text).not.toMatch(/(TOKEN|SECRET|URL) *= *"/)
  })
})

describe('wrangler deploy --dry-run', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spreadwire-dry-'))
    await writeFile(join(folder, 'index.html'), '<!doctype html>')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('bundles the edge for each environment, with its bindings', async () => {
    for (const env of ENVIRONMENTS) {
      const out = join(folder, `out-${env}`)
      const args = ['deploy', '--dry-run', '--env', env, '--outdir', out, '--assets', folder]
      const { ok, output } = await run(join(PROJECT_DIR, 'node_modules/.bin/wrangler'), args, {
        cwd: PROJECT_DIR,
        env: environment({
          WRANGLER_SEND_METRICS: 'false',
          WRANGLER_WRITE_LOGS: 'false',
          NO_COLOR: '1',
        }),
      })
      expect(output).toMatch(/STREAM_HUB \(StreamHub\)\s+Durable Object[\s\S]*ASSETS\s+Assets/)
      expect(output).not.toMatch(/warning/i)
      expect(ok).toBe(true)
      // Cloudflare's limit is 10 MB compressed on a paid plan, 3 MB on the free one
      const [, size] = /gzip: ([\d.]+) KiB/.exec(output) ?? []
      expect(Number(size)).toBeLessThan(1_500)
      expect(await readdir(out)).toEqual(expect.arrayContaining(['index.js', 'index.js.map']))
    }
  })
})
