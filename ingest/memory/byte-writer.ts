export { ByteWriter } from '../../model/index.ts'
