/** Reads answers in tests, holding every one of them to what the API says about itself. */
import { expect } from 'vitest'
import { Problem } from '../../shared/problem.ts'

export async function fetchProblem(url: string, init?: RequestInit) {
  const response = await fetch(url, init)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = Problem.parse(await response.json())
  expect(problem.status).toBe(response.status)
  expect(problem.instance).toBe(new URL(url).pathname)
  expect(JSON.stringify(problem)).not.toMatch(/\bat .*:\d+:\d+|Error:|select |XRANGE|HGETALL/i)
  return { ...problem, response }
}

/** Waits until `look` gives something, by trying. @throws when it never does */
export async function eventually<T>(look: () => Promise<T> | T, within_ms = 10_000): Promise<T> {
  const deadline_ms = Date.now() + within_ms
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (Date.now() > deadline_ms) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}
