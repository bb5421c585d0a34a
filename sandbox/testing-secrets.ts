/**
 * Looks for secrets in files, as gitleaks does: by what they look like, and by what stands before a
 * value that looks like chance. A value made up for a test or an example is told apart by how little
 * chance there is in it; what cannot be told apart is written in parts.
 */

export interface Finding {
  readonly rule: string
  readonly line: number
  /** how it begins: a report must not publish what it found */
  readonly begins: string
}

const RULES: Readonly<Record<string, RegExp>> = {
  'private key': /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g,
  'AWS key': /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  'GitHub token': /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})/g,
  'npm token': /\bnpm_[A-Za-z0-9]{36}\b/g,
  'Slack token': /\bxox[abprs]-[A-Za-z0-9-]{20,}/g,
  'Slack address': /hooks\.slack\.com\/services\/T[A-Z0-9]{8,}\/B[A-Z0-9]{8,}\/[A-Za-z0-9]{20,}/g,
  'Discord address': /discord(?:app)?\.com\/api\/webhooks\/\d{17,}\/[\w-]{60,}/g,
  'Telegram token': /\b\d{8,10}:AA[\w-]{33}\b/g,
  'Stripe key': /\b[rs]k_live_[A-Za-z0-9]{20,}/g,
  'Grafana token': /\bgl(?:c|sa)_[A-Za-z0-9_=+/]{32,}/g,
  'JSON web token': /\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}/g,
}

/** The value is the first group: a secret only when it looks like chance. */
const CHANCE_RULES: Readonly<Record<string, RegExp>> = {
  'webhook secret': /\bwhs(?:ec|k)_([A-Za-z0-9+/]{32,}={0,2})/g,
  'API key': /\barb_([0-9A-Za-z]{40,})\b/g,
  'password in an address':
    /\b(?:rediss?|postgres(?:ql)?|https?|wss?):\/\/[^\s:/@'"`$]*:([^\s/@'"`${}]{12,})@(?!127\.0\.0\.1|localhost|redis|postgres)/g,
  // a name in camelCase has capitals too: at least one digit
  'secret in a setting':
    /(?:token|secret|password|passwd|api_?key|private_?key)["']?\s*[:=]\s*["'`]?((?=[^"'`\s]*\d)[A-Za-z0-9+/_-]{24,}={0,2})(?=["'`\s,;]|$)/gi,
}

/** Of the bits a character that chance has at most in a text of that length and alphabet. */
const CHANCE_SHARE = 0.76

export function findSecrets(text: string): Finding[] {
  const found: Finding[] = []
  const add = (rule: string, at: number, value: string) =>
    found.push({ rule, line: text.slice(0, at).split('\n').length, begins: value.slice(0, 8) })
  for (const [rule, pattern] of Object.entries(RULES)) {
    for (const match of text.matchAll(pattern)) add(rule, match.index, match[0])
  }
  for (const [rule, pattern] of Object.entries(CHANCE_RULES)) {
    for (const match of text.matchAll(pattern)) {
      const [, value = ''] = match
      if (looksLikeChance(value)) add(rule, match.index, value)
    }
  }
  return found
}

function looksLikeChance(value: string): boolean {
  const alphabet = /^[0-9a-f]+$/i.test(value) ? 16 : 62
  const most_bits = Math.log2(Math.min(value.length, alphabet))
  return /\d|[a-z].*[A-Z].*[a-z]/.test(value) && entropy_bits(value) > CHANCE_SHARE * most_bits
}

function entropy_bits(value: string): number {
  const counts = new Map<string, number>()
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values())
    bits -= (count / value.length) * Math.log2(count / value.length)
  return bits
}
