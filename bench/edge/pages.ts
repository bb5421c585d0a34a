/**
 * Requests per second of the pages that everybody reads, as ratios: to hello as JSON, and for the hot
 * list also to a worker that does nothing but send the same bytes. All take turns in short slices, so
 * that whatever else the machine does meets all of them; workerd's own CPU time an answer is told too,
 * where the system tells it, because it hears less of the neighbours.
 */
import { readFile } from 'node:fs/promises'
import { measure, type Rate } from './requests.ts'
import type { Workerd } from './workerd.ts'

interface Slice extends Rate {
  /** of workerd, an answer; NaN where the system does not tell it */
  readonly cpu_us: number
}

export interface PageRate extends Slice {
  readonly page: string
  /** to hello, in requests per second and in CPU time */
  readonly ratio: number
  readonly cpu_ratio: number
}

const SECONDS = 1
const ROUNDS = 15
const HELLO = 'hello'
export const HOT_LIST = 'hot list'
const LIST = '/v1/opportunities'

export async function pageRates({ url, hello_url, same_url, pid }: Workerd): Promise<PageRate[]> {
  const pages = [
    [HELLO, hello_url, '/'],
    ['same bytes', same_url, LIST],
    [HOT_LIST, url, LIST],
    ['history', url, '/v1/history?limit=20'],
    ['health', url, '/health'],
  ] as const
  const slice = async (from: string, path: string): Promise<Slice> => {
    const before_us = await cpu_us(pid)
    const rate = await measure(from, path, SECONDS)
    return { ...rate, cpu_us: ((await cpu_us(pid)) - before_us) / (rate.per_second * SECONDS) }
  }
  const rounds: Slice[][] = []
  for (let round = -1; round < ROUNDS; round++) {
    const rates: Slice[] = []
    // nobody always follows the same one
    for (let turn = 0; turn < pages.length; turn++) {
      const i = (turn + round + 1) % pages.length
      const [, from, path] = pages[i] as (typeof pages)[number]
      rates[i] = await slice(from, path)
    }
    if (round >= 0) rounds.push(rates)
  }
  return pages.map(([page], i) => {
    const of = (figure: (one: Slice, hello: Slice) => number) =>
      median(rounds.map((rates) => figure(rates[i] as Slice, rates[0] as Slice)))
    return {
      page,
      per_second: of((one) => one.per_second),
      p99_ms: of((one) => one.p99_ms),
      failed: rounds.reduce((sum, rates) => sum + (rates[i]?.failed ?? 0), 0),
      ratio: of((one, hello) => one.per_second / hello.per_second),
      cpu_us: of((one) => one.cpu_us),
      cpu_ratio: of((one, hello) => hello.cpu_us / one.cpu_us),
    }
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

/** Linux counts it in ticks of 10 ms. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function cpu_us(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [, user, system] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(stat) ?? []
  return (Number(user) + Number(system)) * 10_000
}
