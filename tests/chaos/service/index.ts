/** What is done to the service as a whole: its stores and its workers. */
import type { Fault } from '../fault.ts'
import { nobodyIsLeft } from './nobody-left.ts'
import { postgresIsDown } from './postgres-down.ts'
import { redisIsDown } from './redis-down.ts'
import { redisIsFull } from './redis-full.ts'
import { redisComesBackEmpty, redisFailsOver } from './redis-moves.ts'
import { twoLeaders } from './two-leaders.ts'
import { workerIsKilled, workerIsToldToEnd } from './worker-ends.ts'

export const SERVICE_FAULTS: readonly Fault[] = [
  redisIsDown,
  redisFailsOver,
  redisComesBackEmpty,
  redisIsFull,
  postgresIsDown,
  workerIsToldToEnd,
  workerIsKilled,
  twoLeaders,
  nobodyIsLeft,
]
