/**
 * The edge app in real workerd on this machine. wrangler's own bundler and runtime, in a process of
 * their own: what runs here is what `wrangler deploy` would upload, and a crash of workerd is not a
 * crash of the caller. It never restarts it and never rebuilds it.
 *
 * Why unstable_startWorker and not `wrangler dev`: no terminal, no prompts, and bindings as values,
 * so that no secret is written to a file; miniflare alone would need a bundler of our own.
 */
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, PROJECT_DIR, variable } from './environment.ts'
import { SetupError } from './failure.ts'
import { requireFreePort } from './ports.ts'
import { startChild } from './process.ts'

const READY_WITHIN_MS = 60_000
const LOCAL_HOST = '127.0.0.1'

/** What the operator may have set for the edge; passed on unread. */
const EDGE_VARIABLES = [
  'ADMIN_TOKEN',
  'PUBLIC_READ',
  'ANONYMOUS_REQUESTS',
  'ANONYMOUS_STREAMS',
  'KEY_REQUESTS',
  'KEY_STREAMS',
  'ANSWER_CACHE_MS',
  'STREAM_HUBS',
  'WEBHOOKS_ALLOW_LOCAL',
]

/** Those of them that are set. */
export function givenEdgeVariables(): Record<string, string> {
  return Object.fromEntries(
    EDGE_VARIABLES.flatMap((name) => {
      const value = variable(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

export interface EdgeOptions {
  /** 0: any free one */
  readonly port: number
  /** where it listens; the default is this machine alone */
  readonly host?: string
  /** variables and secrets by name */
  readonly vars: Readonly<Record<string, string>>
  /** the built dashboard; the default is the one that would be deployed */
  readonly assets_dir?: string
  /** another entry point than the one that would be deployed, which only a test has */
  readonly entry_file?: string
  /** what the app and workerd write, line by line */
  readonly on_line?: (line: string, stream: 'stdout' | 'stderr') => void
}

export interface Edge {
  readonly url: string
  /** resolves when workerd is gone */
  stop(): Promise<void>
}

/** @throws SetupError when the port is taken, the dashboard is not built or the app does not start */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { port, host = LOCAL_HOST, vars, on_line, entry_file } = options
  const assets_dir = options.assets_dir ?? join(PROJECT_DIR, 'dist', 'dashboard')
  await access(assets_dir).catch(() => {
    throw new SetupError(
      `${assets_dir} does not exist: build the dashboard first (npm run build:dashboard)`,
    )
  })
  if (port !== 0) await requireFreePort(port, 'EDGE_PORT')
  const child = startChild({
    name: 'edge',
    command: process.execPath,
    args: [join(import.meta.dirname, 'edge-workerd.ts')],
    env: environment({
      EDGE_OPTIONS: JSON.stringify({ port, host, assets_dir, vars, entry_file }),
      // neither the network nor a terminal may be needed, nor anybody's account
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: join(tmpdir(), 'spreadwire-wrangler-logs'),
      WRANGLER_WRITE_LOGS: 'false',
      CI: '1',
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
    }),
    ...(on_line === undefined ? {} : { on_line }),
  })
  try {
    const url = await child.ready((line) => /^ready (\S+)$/.exec(line)?.[1], READY_WITHIN_MS)
    return { url, stop: () => child.stop() }
  } catch (error) {
    await child.stop()
    throw error
  }
}
