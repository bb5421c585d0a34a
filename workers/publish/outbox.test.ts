import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Draft } from '../../shared/event.ts'
import { Outbox } from './outbox.ts'
import { detected, exchangeStatus, expired, measured, updated } from './testing.ts'

const told = ({ type, data }: Draft) =>
  `${type.split('.')[1]} ${data.id}${'profit_percent' in data && type === 'opportunity.updated' ? ` ${data.profit_percent}` : ''}`

function drain(outbox: Outbox, count = 1_000): string[] {
  const entries = outbox.take(count)
  outbox.settle()
  return entries.map(({ draft }) => told(draft))
}

function filled(...drafts: Draft[]): Outbox {
  const outbox = new Outbox(100)
  for (const draft of drafts) outbox.push(draft, 0)
  return outbox
}

describe('Outbox', () => {
  it('keeps the order', () => {
    expect(drain(filled(detected('a'), detected('b'), expired('a')))).toEqual([
      'detected opp_a',
      'detected opp_b',
      'expired opp_a',
    ])
  })

  it('keeps only the newest update of an opportunity, in its newest place', () => {
    const outbox = filled(updated('a', '1'), updated('b', '1'), updated('a', '2'))
    expect(drain(outbox)).toEqual(['updated opp_b 1', 'updated opp_a 2'])
  })

  it('drops an update that the end overtakes', () => {
    expect(drain(filled(detected('a'), updated('a', '1'), expired('a')))).toEqual([
      'detected opp_a',
      'expired opp_a',
    ])
  })

  it('keeps only the newest state of an exchange', () => {
    const outbox = filled(exchangeStatus('kraken', false), exchangeStatus('kraken', true))
    expect(outbox.take(10).map(({ draft }) => draft.data)).toMatchObject([{ connected: true }])
  })

  it('lets go of updates alone when it is told to, also of those on their way', () => {
    const outbox = filled(detected('a'), updated('a', '1'), updated('c', '1'), measured('b'))
    outbox.push(exchangeStatus('kraken', true), 0)
    expect(outbox.take(2)).toHaveLength(2)
    expect(outbox.shedUpdates()).toBe(2)
    expect(outbox.dropped_total).toBe(2)
    outbox.push(updated('b', '2'), 0)
    expect([...drain(outbox), ...drain(outbox)]).toEqual([
      'detected opp_a',
      'measured opp_b',
      'status kraken',
      'updated opp_b 2',
    ])
  })

  it('hands out the same entries until they arrived', () => {
    const outbox = filled(detected('a'), updated('a', '1'))
    const first = outbox.take(2)
    outbox.push(updated('a', '2'), 0)
    expect(outbox.take(2)).toBe(first)
    expect(outbox.depth).toBe(3)
    outbox.settle()
    expect(drain(outbox)).toEqual(['updated opp_a 2'])
  })

  it('refuses new opportunities whole when it is full, and counts what it refused', () => {
    const outbox = new Outbox(2)
    for (const id of ['a', 'b', 'c']) outbox.push(detected(id), 0)
    for (const id of ['c', 'a', 'b']) outbox.push(updated(id, '1'), 0)
    for (const id of ['c', 'a', 'b']) outbox.push(expired(id), 0)
    for (const id of ['c', 'a']) outbox.push(measured(id), 0)
    expect(drain(outbox)).toEqual([
      'detected opp_a',
      'detected opp_b',
      'expired opp_a',
      'expired opp_b',
      'measured opp_a',
    ])
    expect(outbox.dropped_total).toBe(4)
    outbox.push(detected('c'), 0)
    expect(drain(outbox)).toEqual(['detected opp_c'])
  })

  it('knows whose beginning has not arrived', () => {
    const outbox = filled(updated('old', '1'), detected('a'), detected('b'))
    const ids = () => [...outbox.beginnings()].toSorted()
    expect(ids()).toEqual(['opp_a', 'opp_b'])
    outbox.take(2)
    expect(ids()).toEqual(['opp_a', 'opp_b'])
    outbox.settle()
    expect(ids()).toEqual(['opp_b'])
  })

  it('never loses a beginning, an end or the last word on an open opportunity', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('next' as const), id: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ kind: fc.constant('end' as const), id: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ kind: fc.constant('take' as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('settle' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const outbox = new Outbox(1_000)
        const lives = new Map<string, { life: number; updates: number }>()
        const pushed: string[] = []
        const sent: string[] = []
        let taken: string[] = []
        let life = 0
        const push = (draft: Draft) => {
          pushed.push(told(draft))
          outbox.push(draft, 0)
        }
        const settle = () => {
          sent.push(...taken)
          taken = []
          outbox.settle()
        }
        for (const one of steps) {
          if (one.kind === 'take') {
            taken = outbox.take(one.count).map(({ draft }) => told(draft))
          } else if (one.kind === 'settle') settle()
          else {
            const open = lives.get(one.id)
            if (open === undefined && one.kind === 'next') {
              life++
              lives.set(one.id, { life, updates: 0 })
              push(detected(`${one.id}${life}`))
            } else if (open !== undefined && one.kind === 'next') {
              open.updates++
              push(updated(`${one.id}${open.life}`, String(open.updates)))
            } else if (open !== undefined) {
              lives.delete(one.id)
              push(expired(`${one.id}${open.life}`))
            }
          }
        }
        settle()
        taken = outbox.take(1_000).map(({ draft }) => told(draft))
        settle()

        const essential = (lines: string[]) => lines.filter((line) => !line.startsWith('updated'))
        expect(essential(sent)).toEqual(essential(pushed))
        const positions = sent.map((line) => pushed.indexOf(line))
        expect(positions).toEqual(positions.toSorted((a, b) => a - b))
        for (const [id, open] of lives) {
          if (open.updates > 0)
            expect(sent).toContain(`updated opp_${id}${open.life} ${open.updates}`)
        }
      }),
    )
  })
})
