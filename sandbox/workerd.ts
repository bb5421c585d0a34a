/**
 * The bundled edge app in workerd alone: without the proxies that a development server puts in front,
 * which cost more than workerd itself. Small workers may stand beside it, which see it as EDGE. The
 * dashboard is one bare page at every path: its files are wrangler's matter (sandbox/edge.ts).
 */
import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { z } from 'zod'
import type { Bundle } from './bundle.ts'
import { startChild } from './process.ts'

const READY_WITHIN_MS = 60_000
/** What the assets of a single-page application answer to every path that is no file. */
const PAGE = `export default {
  fetch: () => new Response('a page', { headers: { 'content-type': 'text/html; charset=utf-8' } }),
}`

export interface WorkerdOptions<Beside extends string> {
  /** variables and secrets by name */
  readonly vars: Readonly<Record<string, string>>
  /** the modules of other workers by their names */
  readonly beside: Readonly<Record<Beside, string>>
  /** what the app and workerd write, line by line */
  readonly on_line?: (line: string) => void
  /** its debugger listens: memory is seen from within, and everything is a little slower */
  readonly inspects?: boolean
}

export interface Workerd<Beside extends string> {
  readonly url: string
  /** where those beside it listen */
  readonly urls: Readonly<Record<Beside, string>>
  /** of the debugger, host and port; absent where it was not asked for */
  readonly inspector: string | undefined
  readonly pid: number
  stop(): Promise<void>
}

/** What workerd says on its control channel once it listens. */
const Listening = z.discriminatedUnion('event', [
  z.object({ event: z.literal('listen'), socket: z.string(), port: z.int() }),
  z.object({ event: z.literal('listen-inspector'), port: z.int() }),
])

/** @throws SetupError with workerd's words when the app does not start */
export async function startWorkerd<Beside extends string>(
  bundle: Bundle,
  { vars, beside, on_line, inspects = false }: WorkerdOptions<Beside>,
): Promise<Workerd<Beside>> {
  const names = Object.keys(beside) as Beside[]
  const file = join(bundle.folder, `${randomUUID()}.capnp`)
  await writeFile(file, configOf(bundle, vars, beside), { mode: 0o600 })
  const child = startChild({
    name: 'workerd',
    command: program(),
    args: [
      ...['serve', '--experimental', '--control-fd=1'],
      ...(inspects ? ['--inspector-addr=127.0.0.1:0'] : []),
      file,
    ],
    ...(on_line === undefined ? {} : { on_line }),
  })
  const stop = async () => {
    await child.stop()
    await rm(file, { force: true })
  }
  const urls = new Map<string, string>()
  let inspector: string | undefined
  try {
    await child.ready((line) => {
      const said = listening(line)
      if (said?.event === 'listen') urls.set(said.socket, `http://127.0.0.1:${said.port}`)
      if (said?.event === 'listen-inspector') inspector = `127.0.0.1:${said.port}`
      return urls.size > names.length || undefined
    }, READY_WITHIN_MS)
  } catch (error) {
    await stop()
    throw error
  }
  const at = (name: string) => urls.get(name) ?? ''
  const others = Object.fromEntries(names.map((name) => [name, at(name)]))
  const found = others as Record<Beside, string>
  return { url: at('edge'), urls: found, inspector, pid: child.pid, stop }
}

function listening(line: string): z.infer<typeof Listening> | undefined {
  if (!line.startsWith('{"event":"listen')) return undefined
  return Listening.parse(JSON.parse(line))
}

/** The binary itself: what npm links is a script that starts it. */
function program(): string {
  const wrangler = createRequire(import.meta.url).resolve('wrangler')
  return createRequire(wrangler)('workerd').default
}

function configOf(
  { file, compatibility_date, compatibility_flags }: Bundle,
  vars: Readonly<Record<string, string>>,
  beside: Readonly<Record<string, string>>,
): string {
  const text = JSON.stringify
  const bindings = Object.entries(vars).map(
    ([name, value]) => `(name = ${text(name)}, text = ${text(value)}),`,
  )
  const others = Object.entries({ ...beside, files: PAGE }).map(
    ([name, module]) => `(name = ${text(name)}, worker = (
      modules = [(name = "worker", esModule = ${text(module)})],
      compatibilityDate = ${text(compatibility_date)},
      compatibilityFlags = ["service_binding_extra_handlers"],
      bindings = [(name = "EDGE", service = "edge")],
    )),`,
  )
  const sockets = ['edge', ...Object.keys(beside)].map(
    (name) =>
      `(name = ${text(name)}, address = "127.0.0.1:0", http = (), service = ${text(name)}),`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    ${others.join('\n    ')}
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [
    ${sockets.join('\n    ')}
  ],
);
const edge :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${text(file)})],
  compatibilityDate = ${text(compatibility_date)},
  compatibilityFlags = [${compatibility_flags.map((flag) => text(flag)).join(', ')}],
  bindings = [
    ${bindings.join('\n    ')}
    (name = "STREAM_HUB", durableObjectNamespace = "StreamHub"),
    (name = "ASSETS", service = "files"),
  ],
  durableObjectNamespaces = [(className = "StreamHub", uniqueKey = "stream-hub", enableSql = true)],
  durableObjectStorage = (inMemory = void),
);
`
}
