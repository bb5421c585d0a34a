/**
 * The edge app in workerd alone, bundled as `wrangler deploy` bundles it: without the proxies that a
 * development server puts in front, which cost more than workerd itself. Beside it stand two workers
 * in the same process: one answers hello as JSON, one sends what the app answered once, headers and
 * body, again and again: what no app with that answer could be faster than.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { freePort } from '../../sandbox/ports.ts'
import { startChild } from '../../sandbox/process.ts'
import { run } from '../../sandbox/run.ts'

export interface Workerd {
  readonly url: string
  readonly hello_url: string
  /** the app's own answers, repeated */
  readonly same_url: string
  readonly pid: number
  stop(): Promise<void>
}

const HELLO = `export default { fetch: () => Response.json({ hello: 'world' }) }`
const SAME = `
const known = new Map()
export default {
  async fetch({ url }, { EDGE }) {
    if (!known.has(url)) {
      const response = await EDGE.fetch(url)
      known.set(url, { body: await response.arrayBuffer(), headers: new Headers(response.headers) })
    }
    const { body, headers } = known.get(url)
    return new Response(body, { headers })
  },
}`
const tool = (name: string) => join(PROJECT_DIR, 'node_modules', '.bin', name)

/** @throws Error with wrangler's or workerd's words when the app cannot be bundled or started */
export async function startWorkerd(vars: Readonly<Record<string, string>>): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-bench-edge-'))
  // the dashboard is not measured and need not be built
  const assets = join(folder, 'assets')
  await mkdir(assets)
  const options = ['--dry-run', '--env=', '--assets', assets, '--outdir', folder]
  const bundled = await run(tool('wrangler'), ['deploy', ...options], {
    cwd: PROJECT_DIR,
    env: environment({ WRANGLER_SEND_METRICS: 'false', CI: '1' }),
  })
  const bundle = (await readdir(folder)).find((name) => name.endsWith('.js'))
  if (!bundled.ok || bundle === undefined) throw new Error(bundled.output)
  const ports = { edge: await freePort(), hello: await freePort(), same: await freePort() }
  await writeFile(join(folder, 'hello.js'), HELLO)
  await writeFile(join(folder, 'same.js'), SAME)
  await writeFile(join(folder, 'config.capnp'), config(bundle, vars, ports))
  const child = startChild({
    name: 'workerd',
    command: tool('workerd'),
    args: ['serve', '--experimental', join(folder, 'config.capnp')],
  })
  const at = (port: number) => `http://127.0.0.1:${port}`
  const url = at(ports.edge)
  await answering(`${url}/openapi.json`, () => child.tail())
  return {
    url,
    hello_url: at(ports.hello),
    same_url: at(ports.same),
    pid: await native(child.pid),
    async stop() {
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function config(
  bundle: string,
  vars: Readonly<Record<string, string>>,
  ports: Readonly<Record<'edge' | 'hello' | 'same', number>>,
): string {
  const bindings = Object.entries(vars).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)}),`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "hello", worker = .hello),
    (name = "same", worker = .same),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [
    (name = "edge", address = "127.0.0.1:${ports.edge}", http = (), service = "edge"),
    (name = "hello", address = "127.0.0.1:${ports.hello}", http = (), service = "hello"),
    (name = "same", address = "127.0.0.1:${ports.same}", http = (), service = "same"),
  ],
);
const edge :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${JSON.stringify(bundle)})],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal", "request_signal_passthrough"],
  bindings = [
    ${bindings.join('\n    ')}
    (name = "STREAM_HUB", durableObjectNamespace = "StreamHub"),
    (name = "ASSETS", service = "hello"),
  ],
  durableObjectNamespaces = [(className = "StreamHub", uniqueKey = "stream-hub", enableSql = true)],
  durableObjectStorage = (inMemory = void),
);
const hello :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "hello.js")],
  compatibilityDate = "2026-11-01",
);
const same :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "same.js")],
  compatibilityDate = "2026-11-01",
  bindings = [(name = "EDGE", service = "edge")],
);
`
}

/** The npm package starts the binary from a script of its own. */
async function native(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return Number(children.split(' ')[0]) || pid
}

async function answering(url: string, words: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`workerd did not answer\n${words()}`)
}
