import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exchangeStatus } from '../edge/testing/opportunities.ts'
import { compareEventIds, type Event } from './event.ts'
import { Ring } from './ring.ts'

const event = (id: string): Event => ({
  id,
  type: 'exchange.status',
  timestamp: '2026-10-01T00:00:00.000Z',
  data: exchangeStatus(),
})

it('holds the newest events without a hole, like a list that is cut at the front', () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.boolean()), { maxLength: 60 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 9 }), (all, capacity) => {
      const ring = new Ring('0-0', capacity)
      let kept: string[] = []
      let [from, ms, seq] = ['0-0', 0, 0]
      for (const [gap, restart] of all) {
        if (gap === 0) seq++
        else [ms, seq] = [ms + gap, 0]
        const id = `${ms}-${seq}`
        if (restart && gap === 3) {
          ring.restart(id)
          ;[kept, from] = [[], id]
          continue
        }
        ring.push(event(id))
        kept.push(id)
        if (kept.length > capacity) from = kept.shift()!
        expect(ring.from).toBe(from)
        expect(ring.last).toBe(id)
        for (const position of ['0-0', from, ...kept, `${ms + 1}-0`]) {
          const later = kept.find((one) => compareEventIds(one, position) > 0)
          expect(ring.next(position)?.id ?? undefined).toBe(later)
          const covered = position === from || kept.includes(position)
          if (covered) expect(ring.covers(position)).toBe(true)
        }
        expect(ring.covers(`${ms + 1}-0`)).toBe(false)
      }
    }),
  )
})

it('refuses an event that is not newer', () => {
  const ring = new Ring('5-0', 3)
  ring.push(event('6-0'))
  expect(() => ring.push(event('6-0'))).toThrow(RangeError)
  expect(ring.covers('4-9')).toBe(false)
})

it('holds on to nothing that it forgot', () => {
  const ring = new Ring('0-0', 3)
  for (let ms = 1; ms <= 8; ms++) {
    ring.push(event(`${ms}-0`))
    const held = JSON.stringify(ring).match(/"exchange\.status"/g)
    expect(held).toHaveLength(Math.min(ms, 3))
  }
})
