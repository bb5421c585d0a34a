/**
 * The one place of the sandbox that reads `process.env`, and the folders of this project.
 * Values are plain text here: whoever asks for one validates it.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const PROJECT_DIR = dirname(dirname(fileURLToPath(import.meta.url)))

/** Programs that were fetched for this project alone; safe to delete, they are fetched again. */
export const TOOLS_DIR = join(PROJECT_DIR, '.data', 'tools')

/**
 * What keeps the worker's process small (docs/scaling.md): one arena of memory for the threads of V8
 * and libuv, and types stripped and code compiled once, not in each process. glibc and Node read them
 * before any line of ours. The containers set the same.
 */
export const SMALL_PROCESS = {
  MALLOC_ARENA_MAX: '1',
  NODE_COMPILE_CACHE: join(PROJECT_DIR, '.data', 'compile-cache'),
} as const

/** The variable's value; undefined when it is unset or empty, which mean the same. */
export function variable(name: string): string | undefined {
  const value = process.env[name]
  return value === undefined || value === '' ? undefined : value
}

/** The whole environment with changes; a change to undefined removes the variable. */
export function environment(
  changes: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const merged: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...process.env, ...changes })) {
    if (value !== undefined) merged[name] = value
  }
  return merged
}
