/** Headers of every answer: any origin may read, nobody may frame, sniff or run foreign script. */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import type { Edge } from './edge.ts'

/** The dashboard loads only its own files and talks only to its own origin. */
export const security: MiddlewareHandler<Edge> = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    manifestSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  referrerPolicy: 'strict-origin-when-cross-origin',
  // Other origins may read: the API is public, and so is what it says.
  crossOriginResourcePolicy: 'cross-origin',
})

/** Credentials are a header that a page must send on purpose, never cookies: any origin may call. */
export const openToAll: MiddlewareHandler<Edge> = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'],
  allowHeaders: [
    'Authorization',
    'Content-Type',
    'Idempotency-Key',
    'If-None-Match',
    'Last-Event-ID',
  ],
  exposeHeaders: [
    'ETag',
    'Idempotent-Replayed',
    'Location',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'WWW-Authenticate',
  ],
  maxAge: 86_400,
})
