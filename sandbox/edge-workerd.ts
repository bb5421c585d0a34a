/**
 * The process that runs the edge app in workerd, bundled exactly as `wrangler deploy` bundles it.
 * Its parent gives it everything in one environment variable, so that secrets are neither in the
 * argument list nor in a file; no .env and no .dev.vars of the project is read.
 */
import { devNull } from 'node:os'
import { join } from 'node:path'
import { unstable_startWorker } from 'wrangler'
import { z } from 'zod'
import { PROJECT_DIR, variable } from './environment.ts'
import { reasonOf } from './failure.ts'

const Options = z.object({
  port: z.int(),
  host: z.string(),
  assets_dir: z.string(),
  vars: z.record(z.string(), z.string()),
  entry_file: z.string().optional(),
})

async function main(): Promise<void> {
  const options = Options.parse(JSON.parse(variable('EDGE_OPTIONS') ?? 'null'))
  const { port, host, assets_dir, vars, entry_file } = options
  const worker = await unstable_startWorker({
    config: join(PROJECT_DIR, 'wrangler.toml'),
    ...(entry_file === undefined ? {} : { entrypoint: entry_file }),
    envFiles: [devNull],
    assets: assets_dir,
    bindings: Object.fromEntries(
      Object.entries(vars).map(([name, value]) => [name, { type: 'secret_text', value }]),
    ),
    dev: {
      watch: false,
      persist: false,
      inspector: false,
      logLevel: 'error',
      server: { hostname: host, port },
      structuredLogsHandler: ({ message }: { message: string }) =>
        void process.stdout.write(`${message}\n`),
    },
  })
  const stop = async () => {
    await worker.dispose()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  await worker.ready
  const url = await worker.url
  const first = await fetch(new URL('/openapi.json', url))
  if (!first.ok) throw new Error(`the app answered ${first.status}: ${await first.text()}`)
  process.stdout.write(`ready ${url.origin}\n`)
}

main().catch((error: unknown) => {
  process.stderr.write(`${reasonOf(error)}\n`)
  process.exit(1)
})
