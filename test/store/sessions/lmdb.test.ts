import { createLmdbSessionStore } from '../../../store/sessions/index.ts'
import { describeSessionStore } from './conformance.ts'

describeSessionStore('LMDB session store', createLmdbSessionStore)
