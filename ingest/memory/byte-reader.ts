export { ByteReader } from '../../model/index.ts'
