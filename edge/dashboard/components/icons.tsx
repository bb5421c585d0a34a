/** The few drawings of the page. All are decoration: the words beside them say the same. */
import type { PageId } from '../model/place.ts'

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path class="mark-wire" d="M5 21h5.5l4-10H27M5 26h9.5l4-10H27" />
    </svg>
  )
}

export function Arrow() {
  return (
    <svg class="arrow" viewBox="0 0 20 10" aria-hidden="true">
      <path d="M1 5h17M14 1.5 18 5l-4 3.5" />
    </svg>
  )
}

/** Two prices that run together without meeting: there is nothing to take. */
export function QuietWires() {
  return (
    <svg class="quiet" viewBox="0 0 240 56" aria-hidden="true">
      <path d="M2 22c18 0 20-9 38-9s20 14 40 14 22-16 40-16 22 12 40 12 20-9 40-9 20 6 38 6" />
      <path d="M2 40c18 0 20-9 38-9s20 14 40 14 22-16 40-16 22 12 40 12 20-9 40-9 20 6 38 6" />
    </svg>
  )
}

const LINES: Record<PageId | 'sound' | 'notify' | 'close' | 'download', string> = {
  live: 'M2 12h4l3-8 4 15 3-9 1.5 2H22',
  spreads: 'M3 3h7v7H3zM14 3h7v7h-7zM3 14h7v7H3zM14 14h7v7h-7z',
  history: 'M4 20V10M9.5 20V4M15 20v-7M20.500 20V7',
  exchanges: 'M4 7h15m0 0-4-4m4 4-4 4M20 17H5m0 0 4-4m-4 4 4 4',
  'near-misses': 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.700 5.700l12.600 12.600',
  alerts: 'M6 17V11a6 6 0 0 1 12 0v6l1.500 2h-15zM10 21.500h4',
  sound:
    'M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4.500 4.500 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  notify: 'M6 17V11a6 6 0 0 1 12 0v6l1.500 2h-15zM10 21.500h4',
  close: 'M6 6l12 12M18 6 6 18',
  download: 'M12 4v11m0 0-4-4m4 4 4-4M5 20h14',
}

export function Icon({ name }: { name: keyof typeof LINES }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={LINES[name]} />
    </svg>
  )
}
