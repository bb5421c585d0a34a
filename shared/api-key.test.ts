import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { API_KEY_ID, hashKey, isKey, mintKey } from './api-key.ts'

describe('an API key', () => {
  it('is made of a mark, 256 random bits and a checksum, and never twice the same', async () => {
    const minted = await Promise.all(Array.from({ length: 200 }, mintKey))
    expect(new Set(minted.map(({ key }) => key)).size).toBe(200)
    expect(new Set(minted.map(({ id }) => id)).size).toBe(200)
    for (const { id, key, prefix, hash } of minted) {
      expect(key).toMatch(/^arb_[0-9A-Za-z]{49}$/)
      expect(await isKey(key)).toBe(true)
      expect(id).toMatch(API_KEY_ID)
      expect(key.startsWith(prefix)).toBe(true)
      expect(prefix).toHaveLength(10)
      expect(hash).toMatch(/^[0-9a-f]{64}$/)
      expect(hash).toBe(await hashKey(key))
    }
  })

  it('hashes as SHA-256 does', async () => {
    // FIPS 180-2, appendix B.1
    expect(await hashKey('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  it('is refused with any one character mistyped, left out or exchanged with its neighbour', async () => {
    const { key } = await mintKey()
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    for (let at = 0; at < key.length; at++) {
      expect(await isKey(key.slice(0, at) + key.slice(at + 1))).toBe(false)
      const pair = key.slice(at, at + 2)
      if (pair[0] !== pair[1] && pair.length === 2) {
        expect(await isKey(key.slice(0, at) + pair[1] + pair[0] + key.slice(at + 2))).toBe(false)
      }
    }
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: key.length - 1 }),
        fc.constantFrom(...digits),
        async (at, digit) => {
          fc.pre(key[at] !== digit)
          expect(await isKey(key.slice(0, at) + digit + key.slice(at + 1))).toBe(false)
        },
      ),
    )
  })

  it('is no other text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        expect(await isKey(text)).toBe(false)
        expect(await isKey(`arb_${text}`)).toBe(false)
      }),
    )
  })
})
