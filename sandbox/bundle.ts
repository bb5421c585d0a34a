/**
 * The edge app as one file, bundled by wrangler exactly as `wrangler deploy` would upload it, with the
 * settings of the runtime that wrangler.toml asks for. It uploads nothing and asks no network.
 */
import { mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { environment, PROJECT_DIR } from './environment.ts'
import { SetupError } from './failure.ts'
import { run } from './run.ts'

export interface Bundle {
  /** holds the bundle and nothing else that matters */
  readonly folder: string
  /** its name in there */
  readonly file: string
  readonly compatibility_date: string
  readonly compatibility_flags: readonly string[]
}

/**
 * @param folder where the bundle gets a folder of its own, which the caller removes
 * @param entry_file another entry point than the one that would be deployed
 * @throws SetupError with wrangler's words
 */
export async function bundleEdge(folder: string, entry_file?: string): Promise<Bundle> {
  const { unstable_readConfig } = await import('wrangler')
  const config = join(PROJECT_DIR, 'wrangler.toml')
  const { compatibility_date, compatibility_flags } = unstable_readConfig({ config })
  if (compatibility_date === undefined) throw new SetupError(`${config}: no compatibility_date`)
  const outdir = await mkdtemp(join(folder, 'bundle-'))
  // the files of the dashboard are no part of the bundle and need not be built
  const assets = join(outdir, 'assets')
  await mkdir(assets)
  const options = ['--dry-run', '--env=', '--assets', assets, '--outdir', outdir]
  const bundled = await run(
    join(PROJECT_DIR, 'node_modules', '.bin', 'wrangler'),
    ['deploy', ...(entry_file === undefined ? [] : [entry_file]), ...options],
    { cwd: PROJECT_DIR, env: environment({ WRANGLER_SEND_METRICS: 'false', CI: '1' }) },
  )
  const file = (await readdir(outdir)).find((name) => name.endsWith('.js'))
  if (!bundled.ok || file === undefined) {
    throw new SetupError(`wrangler could not bundle the edge:\n${bundled.output}`)
  }
  return { folder: outdir, file, compatibility_date, compatibility_flags }
}
