/** One long step of the set-up: a line when it starts, a line when it is done, its output if it fails. */
import { spawn } from 'node:child_process'

/** What the person at the keyboard has to mend; shown without a stack. */
export class SetupFailure extends Error {}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`[set-up] ${line}\n`)
}

/**
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const started_ms = Date.now()
  say(`${what} …`)
  const result = await work()
  say(`${what}: done in ${((Date.now() - started_ms) / 1000).toFixed(1)} s`)
  return result
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function run(command, args, options) {
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    child.on('error', (error) => resolve({ ok: false, output: output + error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, output: output.trim() }))
  })
}

/**
 * npm of the caller's own installation, run by the Node that is first on PATH.
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 */
export function npm(args, options) {
  const cli = process.env.npm_execpath
  // names the outer project when this runs under `npm start`; npm must go by its folder alone
  const env = { ...options.env, npm_config_local_prefix: undefined }
  if (cli?.endsWith('npm-cli.js')) return run('node', [cli, ...args], { ...options, env })
  return run('npm', args, { ...options, env })
}
