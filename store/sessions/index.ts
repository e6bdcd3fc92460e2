export type { SessionChange, SessionEntry, SessionStore, SessionStoreStats } from './session-store.ts'
