/** The dashboard as it is deployed, built into a folder of its own. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** @returns the folder, which the caller removes */
export async function buildDashboard(): Promise<string> {
  const files = await mkdtemp(join(tmpdir(), 'dashboard-'))
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url))
  await build({ configFile, logLevel: 'warn', build: { outDir: files, emptyOutDir: true } })
  return files
}
