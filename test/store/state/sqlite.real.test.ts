import { describeState } from './conformance.ts'
import { createSqlitePlace } from './sqlite-place.ts'

describeState('SQLite', createSqlitePlace)
