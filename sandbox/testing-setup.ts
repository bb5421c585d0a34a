/** Lends to all test files of a run what they share; nothing is started before somebody asks. */
import { lend } from './testing-shared.ts'

export default lend
