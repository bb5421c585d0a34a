/** What the intake of an exchange has seen since it began, over all its lines. It judges nothing. */

export class IntakeCounters {
  frames = 0
  ignored = 0
  errors = 0
  snapshots = 0
  updates = 0
  dropped = 0
  gaps = 0
  /** markets that came back after they had lost their thread */
  resyncs = 0
  checksums_ok = 0
  checksums_failed = 0
  /** frames that went through a JSON tree */
  slow_path = 0
}
