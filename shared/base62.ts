/** Random ids and secrets in letters and digits, which survive every URL, shell and double click. */

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 62^22 is the first power above 2^128. */
const ID_BYTES = 16
const ID_DIGITS = 22

/** `prefix` and 22 digits: 128 random bits. */
export function randomId(prefix: string): string {
  return prefix + base62(randomBytes(ID_BYTES), ID_DIGITS)
}

export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count))
}

/** The bytes as one number, most significant first, padded to `width` digits. */
export function base62(bytes: Uint8Array, width: number): string {
  let rest = bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n)
  let text = ''
  for (let i = 0; i < width; i++) {
    text = (DIGITS[Number(rest % 62n)] ?? '') + text
    rest /= 62n
  }
  return text
}
