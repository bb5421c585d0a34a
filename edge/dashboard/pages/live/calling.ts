/** The sound, the notification, and the memory of who wants them. It decides nothing. */

type Wish = 'sound' | 'notify'

/** Private windows may forbid storage: then a wish lasts as long as the page. */
export function readWish(wish: Wish): boolean {
  try {
    return localStorage.getItem(`spreadwire.${wish}`) === 'on'
  } catch {
    return false
  }
}

export function writeWish(wish: Wish, wanted: boolean): void {
  try {
    if (wanted) localStorage.setItem(`spreadwire.${wish}`, 'on')
    else localStorage.removeItem(`spreadwire.${wish}`)
  } catch {
    // as said above
  }
}

let audio: AudioContext | null = null

/** Two short soft tones, a fifth apart. */
export function chime(): void {
  audio ??= new AudioContext()
  void audio.resume()
  const begins = audio.currentTime
  for (const [index, frequency] of [660, 990].entries()) {
    const tone = audio.createOscillator()
    const volume = audio.createGain()
    const at = begins + index * 0.09
    tone.frequency.value = frequency
    volume.gain.setValueAtTime(0.0001, at)
    volume.gain.exponentialRampToValueAtTime(0.12, at + 0.012)
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.22)
    tone.connect(volume).connect(audio.destination)
    tone.start(at)
    tone.stop(at + 0.25)
  }
}

/** One at a time: the next takes the place of the one before. */
export function notify(title: string, body: string): void {
  try {
    const shown = new Notification(title, { body, tag: 'spreadwire', icon: '/favicon.svg' })
    shown.onclick = () => {
      window.focus()
      shown.close()
    }
  } catch {
    // Chrome on Android has the name but only service workers may use it
  }
}
