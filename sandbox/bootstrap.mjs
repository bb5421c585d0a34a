/**
 * The first thing every command of package.json runs: `node sandbox/bootstrap.mjs [--dashboard]
 * <script.ts | tool> [arguments]`. Makes a fresh clone ready (Node, packages, dashboard), then runs
 * the task and ends as it ended. Plain JavaScript without dependencies, because nothing is installed
 * yet and the Node that runs it may be old. When all is ready it needs no network.
 */
import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureDashboard } from './bootstrap/dashboard.mjs'
import { holdingLock } from './bootstrap/lock.mjs'
import { findNode } from './bootstrap/node.mjs'
import { ensurePackages } from './bootstrap/packages.mjs'
import { SetupFailure } from './bootstrap/step.mjs'

const PROJECT_DIR = dirname(dirname(fileURLToPath(import.meta.url)))
const ORPHAN_CHECK_MS = 1_000

const argv = process.argv.slice(2)
const with_dashboard = argv[0] === '--dashboard'
const [task, ...task_arguments] = with_dashboard ? argv.slice(1) : argv

if (task === undefined) {
  process.stderr.write(
    'usage: node sandbox/bootstrap.mjs [--dashboard] <script.ts | tool> [arguments]\n',
  )
  process.exit(2)
}

try {
  const env = await holdingLock(PROJECT_DIR, async () => {
    const node = await findNode(PROJECT_DIR)
    const prepared = node === process.execPath ? process.env : withFirstOnPath(dirname(node))
    await ensurePackages(PROJECT_DIR, prepared)
    if (with_dashboard) await ensureDashboard(PROJECT_DIR, prepared)
    return prepared
  })
  runTask(task, task_arguments, env)
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

/** @param {string} folder */
function withFirstOnPath(folder) {
  return { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` }
}

/**
 * @param {string} name
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function runTask(name, args, env) {
  const is_script = name.endsWith('.ts')
  const command = is_script ? 'node' : join(PROJECT_DIR, 'node_modules', '.bin', name)
  const child = spawn(command, is_script ? [join(PROJECT_DIR, name), ...args] : args, {
    cwd: PROJECT_DIR,
    env,
    // a script notices by the channel's end that this process is gone, however it went
    stdio: is_script ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
  })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal))
  }
  if (process.env.npm_lifecycle_event !== undefined) endWithParent(child)
  child.on('error', (error) => {
    process.stderr.write(`${name} cannot be run: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/**
 * npm passes signals on, but cannot pass on its own SIGKILL.
 * @param {import('node:child_process').ChildProcess} child
 */
function endWithParent(child) {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM')
  }, ORPHAN_CHECK_MS).unref()
}
