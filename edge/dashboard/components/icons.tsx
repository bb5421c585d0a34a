/** The few drawings of the page. All are decoration: the words beside them say the same. */

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path class="mark-wire" d="M5 21h5.5l4-10H27M5 26h9.5l4-10H27" />
    </svg>
  )
}

export function Chevron() {
  return (
    <svg class="chevron" viewBox="0 0 16 16" aria-hidden="true">
      <path d="m6 3.5 4.5 4.5L6 12.5" />
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
