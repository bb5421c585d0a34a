/**
 * A topic: one stream of frames that any number of connections read. A new reader first gets the
 * topic's greeting (a snapshot, where the protocol has one), then every frame that is published.
 */

export type Send = (frame: string) => void

export interface Topic {
  /** Returns the function that ends the subscription. */
  subscribe(send: Send): () => void
}

export class Publication implements Topic {
  private readonly readers = new Set<{ readonly send: Send }>()
  private readonly greet: (first: boolean) => string | undefined

  /** `greet` is called before the reader joins; `first` tells that nobody is reading. */
  constructor(greet: (first: boolean) => string | undefined) {
    this.greet = greet
  }

  get idle(): boolean {
    return this.readers.size === 0
  }

  subscribe(send: Send): () => void {
    const greeting = this.greet(this.idle)
    const reader = { send }
    this.readers.add(reader)
    if (greeting !== undefined) send(greeting)
    return () => this.readers.delete(reader)
  }

  publish(frame: string): void {
    for (const reader of this.readers) reader.send(frame)
  }
}
