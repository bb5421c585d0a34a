import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { later, opportunity } from '../edge/dashboard/testing/examples.ts'
import { ScriptedEdge } from '../edge/dashboard/testing/scripted-edge.ts'
import { systemClock } from '../shared/clock.ts'
import type { Event } from '../shared/event.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { openStream, SILENCE_MAX_MS, type Stream } from './stream.ts'

const WAIT = { timeout: 10_000, interval: 20 }

let edge: ScriptedEdge
let url: string
let stream: Stream | null
const opened = vi.fn<() => void>()
const lost = vi.fn<(reason: string, retry_at_ms: number) => void>()
const events: Event[] = []
const resets: Opportunity[][] = []

beforeEach(async () => {
  edge = new ScriptedEdge('.')
  url = await edge.listen()
  stream = null
  opened.mockReset()
  lost.mockReset()
  events.length = 0
  resets.length = 0
})

afterEach(async () => {
  stream?.close()
  await edge.close()
})

function start(fetching: typeof fetch = fetch): void {
  stream = openStream({
    url: `${url}/v1/stream`,
    clock: systemClock,
    random: () => 0.5,
    fetch: fetching,
    onOpen: opened,
    onLost: lost,
    onEvent: (event) => void events.push(event),
    onReset: (opportunities) => void resets.push(opportunities),
  })
}

describe('the stream', () => {
  it('delivers events in order and skips what it does not know', async () => {
    start()
    await vi.waitFor(() => expect(opened).toHaveBeenCalledOnce(), WAIT)
    const first = opportunity()
    const second = later(first, {})
    edge.send({ type: 'opportunity.detected', data: first })
    edge.sendRaw('event: opportunity.detected\ndata: {half\n\n')
    edge.sendRaw('event: opportunity.praised\ndata: {"data":{}}\n\n')
    edge.send({ type: 'opportunity.updated', data: second })
    await vi.waitFor(() => expect(events.map(({ data }) => data)).toEqual([first, second]), WAIT)
  })

  it('resumes after the last event it saw: nothing is lost, nothing is repeated', async () => {
    start()
    await vi.waitFor(() => expect(opened).toHaveBeenCalledOnce(), WAIT)
    const sent = [opportunity(), opportunity(), opportunity()]
    edge.send({ type: 'opportunity.detected', data: sent[0]! })
    await vi.waitFor(() => expect(events).toHaveLength(1), WAIT)
    edge.cut()
    edge.send({ type: 'opportunity.detected', data: sent[1]! })
    await vi.waitFor(() => expect(opened).toHaveBeenCalledTimes(2), WAIT)
    edge.send({ type: 'opportunity.detected', data: sent[2]! })
    await vi.waitFor(() => expect(events.map(({ data }) => data)).toEqual(sent), WAIT)
    expect(edge.resumed_from).toEqual([undefined, events[0]?.id])
  })

  it('resumes from the position that it was told before any event came', async () => {
    start()
    await vi.waitFor(() => expect(opened).toHaveBeenCalledOnce(), WAIT)
    await edge.flushed()
    edge.cut()
    await vi.waitFor(() => expect(edge.resumed_from).toHaveLength(2), WAIT)
    expect(edge.resumed_from[1]).toBe('1700000000000-0')
  })

  it('hands over the live set of a reset', async () => {
    start()
    await vi.waitFor(() => expect(opened).toHaveBeenCalledOnce(), WAIT)
    const live = [opportunity(), opportunity()]
    edge.reset(live)
    await vi.waitFor(() => expect(resets).toEqual([live]), WAIT)
  })

  it('goes on trying while the server refuses, and says why', async () => {
    edge.stream_status = 503
    start()
    await vi.waitFor(() => expect(lost).toHaveBeenCalled(), WAIT)
    expect(lost.mock.calls[0]?.[0]).toBe('the server answered 503')
    expect(lost.mock.calls[0]?.[1]).toBeGreaterThan(systemClock.wall_ms() - 1_000)
    edge.stream_status = 200
    stream?.retryNow()
    await vi.waitFor(() => expect(opened).toHaveBeenCalledOnce(), WAIT)
  })

  it('leaves a server alone for as long as it asks', async () => {
    edge.stream_status = 429
    edge.retry_after_seconds = 120
    start()
    await vi.waitFor(() => expect(lost).toHaveBeenCalledOnce(), WAIT)
    const wait_ms = (lost.mock.calls[0]?.[1] ?? 0) - systemClock.wall_ms()
    expect(wait_ms).toBeGreaterThan(100_000)
    expect(wait_ms).toBeLessThanOrEqual(120_000)
  })

  it('drops a link that fell silent, and not one that only beats', async () => {
    vi.useFakeTimers()
    try {
      let beat = (_text: string): void => {}
      const silentFetch: typeof fetch = async (_url, init) => {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            beat = (text) => controller.enqueue(new TextEncoder().encode(text))
            init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
          },
        })
        return new Response(body)
      }
      start(silentFetch)
      for (let time = 0; time < 4; time++) {
        await vi.advanceTimersByTimeAsync(SILENCE_MAX_MS - 1_000)
        beat(': heartbeat\n\n')
      }
      await vi.advanceTimersByTimeAsync(SILENCE_MAX_MS - 1_000)
      expect(lost).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(2_000)
      expect(lost.mock.calls[0]?.[0]).toBe('the server has been silent for too long')
    } finally {
      vi.useRealTimers()
    }
  })

  it('leaves no link open behind it when a handler throws', async () => {
    stream = openStream({
      url: `${url}/v1/stream`,
      clock: systemClock,
      random: () => 0.5,
      fetch,
      onLost: lost,
      onEvent: () => {
        throw new Error('the handler broke')
      },
      onReset: () => {},
    })
    await vi.waitFor(() => expect(edge.readersNow()).toBe(1), WAIT)
    edge.send({ type: 'opportunity.detected', data: opportunity() })
    await vi.waitFor(() => expect(lost).toHaveBeenCalled(), WAIT)
    expect(lost.mock.calls[0]?.[0]).toBe('the handler broke')
    stream.close()
    await vi.waitFor(() => expect(edge.readersNow()).toBe(0), { ...WAIT, timeout: 2_000 })
  })

  it('ends for good when it is closed', async () => {
    start()
    await vi.waitFor(() => expect(opened).toHaveBeenCalledOnce(), WAIT)
    stream?.close()
    await vi.waitFor(() => expect(edge.readersNow()).toBe(0), WAIT)
    expect(lost).not.toHaveBeenCalled()
  })
})
