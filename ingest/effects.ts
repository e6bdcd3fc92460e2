import { ReadingBatchBuilder } from '../model/index.ts'
import type { RejectedMessage } from './ports.ts'
import type { UnnamedSeries } from './series-naming.ts'

/** What a stretch of the log amounts to, gathered until it is stored. Two of them take turns. */
export class Effects {
  readonly batch = new ReadingBatchBuilder(8192)
  rejected: RejectedMessage[] = []
  /** Series that began in this stretch and have no id yet. */
  unnamed: readonly UnnamedSeries[] = []

  get empty(): boolean {
    return this.batch.length === 0 && this.rejected.length === 0
  }

  clear(): void {
    this.batch.clear()
    this.rejected = []
    this.unnamed = []
  }
}
