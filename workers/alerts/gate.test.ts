import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Admission, createGate, type Gate, type Ticket } from './gate.ts'

const clock = { monotonic_ms: () => Date.now(), wall_ms: () => Date.now() }
const FOREVER = Number.POSITIVE_INFINITY

let recalled: string[]
let gate: Gate

beforeEach(() => {
  vi.useFakeTimers()
  recalled = []
  const recall = async (id: string) => recalled.push(id) > 0
  gate = createGate({ clock, recall, width: 2, wait_ms: 100, line_max: 1 })
})
afterEach(() => {
  vi.useRealTimers()
})

const enter = (job_id: string, patience_ms = FOREVER) => gate.enter('wh', job_id, patience_ms)
function ticketOf(admission: Admission): Ticket {
  if (admission.kind !== 'entered') throw new Error(admission.kind)
  return admission.ticket
}
async function fill(): Promise<[Ticket, Ticket]> {
  return [ticketOf(await enter('a')), ticketOf(await enter('b'))]
}

describe('the gate', () => {
  it('lets so many in at a time, and the next in line when one leaves', async () => {
    const [a] = await fill()
    const third = enter('c')
    gate.leave('wh', a, false)
    expect((await third).kind).toBe('entered')
  })

  it('turns away who waited in line for too long, and who finds the line full', async () => {
    await fill()
    const third = enter('c')
    expect((await enter('d')).kind).toBe('full')
    await vi.advanceTimersByTimeAsync(100)
    expect((await third).kind).toBe('full')
  })

  it('calls back who was turned away, the first one first, when there is room', async () => {
    const [a, b] = await fill()
    const third = enter('c')
    await enter('d')
    await enter('e')
    gate.leave('wh', a, false)
    expect((await third).kind).toBe('entered')
    expect(recalled).toEqual(['d'])
    await vi.advanceTimersByTimeAsync(0)
    gate.leave('wh', b, false)
    expect(recalled).toEqual(['d', 'e'])
    expect((await enter('d')).kind).toBe('entered')
  })

  it('says how long it will take, and that there is no hope when that is too long', async () => {
    await fill()
    void enter('c')
    // what is inside already takes longer than anything before
    await vi.advanceTimersByTimeAsync(60)
    const waits = [await enter('d'), await enter('e'), await enter('f', 50)]
    expect(waits).toEqual([
      { kind: 'full', wait_ms: 60 },
      { kind: 'full', wait_ms: 90 },
      { kind: 'hopeless' },
    ])
  })

  it('waits no longer for who will not come any more, and calls him no more', async () => {
    const [a] = await fill()
    void enter('c')
    await enter('d')
    await enter('e')
    gate.forget('wh', 'd')
    gate.forget('wh', 'nobody')
    gate.forget('nowhere', 'd')
    // 'c' in line and 'e' outside are before it
    expect(await enter('f')).toEqual({ kind: 'full', wait_ms: 30 })
    gate.leave('wh', a, false)
    expect(recalled).toEqual(['e'])
  })

  it('forgets who has not come for so long that another worker must have had him', async () => {
    const [a] = await fill()
    void enter('c')
    for (let i = 0; i < 500; i++) await enter(`elsewhere ${i}`)
    await vi.advanceTimersByTimeAsync(100_000)
    void enter('d')
    expect(await enter('e')).toEqual({ kind: 'full', wait_ms: 100_000 })
    gate.leave('wh', a, false)
    expect(recalled).toEqual(['e'])
  })

  it('of an endpoint that hangs opens for one at a time, until there is an answer again', async () => {
    const [a, b] = await fill()
    gate.leave('wh', a, true)
    gate.leave('wh', b, true)
    const probe = ticketOf(await enter('c'))
    expect((await enter('d')).kind).toBe('full')
    gate.leave('wh', probe, false)
    await fill()
  })

  it('keeps endpoints apart', async () => {
    await fill()
    expect((await gate.enter('other', 'a', FOREVER)).kind).toBe('entered')
  })

  it('knows for how long an endpoint wants to be left alone, and calls nobody to it', async () => {
    const [a] = await fill()
    void enter('c')
    await enter('d')
    gate.hold('wh', 5_000)
    gate.hold('wh', 1_000)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(gate.heldFor_ms('wh')).toBe(3_000)
    gate.leave('wh', a, false)
    expect(recalled).toEqual([])
    expect(gate.heldFor_ms('other')).toBe(0)
  })
})
