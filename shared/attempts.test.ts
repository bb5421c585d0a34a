import { expect, it } from 'vitest'
import { Attempts } from './attempts.ts'

function start() {
  const time = { now_ms: 1_000 }
  const clock = { monotonic_ms: () => time.now_ms, wall_ms: () => time.now_ms }
  return { time, attempts: new Attempts(clock) }
}

it('lets an address try twenty times a minute, and others meanwhile', () => {
  const { time, attempts } = start()
  for (let i = 0; i < 20; i++) {
    expect(attempts.wait_s('a')).toBeNull()
    attempts.count('a')
    time.now_ms += 1_000
  }
  expect(attempts.wait_s('a')).toBe(40)
  expect(attempts.wait_s('b')).toBeNull()
  time.now_ms += 39_999
  expect(attempts.wait_s('a')).toBe(1)
  time.now_ms += 1
  expect(attempts.wait_s('a')).toBeNull()
})

it('does not grow under a flood of addresses, and remembers those it knows', () => {
  const { attempts } = start()
  for (let i = 0; i < 20; i++) attempts.count('a')
  for (let i = 0; i < 20_000; i++) attempts.count(`flood-${i}`)
  expect(attempts.wait_s('a')).toBe(60)
  for (let i = 0; i < 20; i++) attempts.count('late')
  expect(attempts.wait_s('late')).toBeNull()
})
