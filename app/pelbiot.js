#!/usr/bin/env node
// Plain JavaScript, so that an older Node gets as far as the message.
const major = Number(process.versions.node.split('.')[0])
if (major !== 24) {
  process.stderr.write(
    `PELBIoT needs Node 24, this is ${process.versions.node}. On Linux \`npm ci\` brings it: use \`npm start\` or ` +
      '`npm run -s pelbiot -- …`; elsewhere install Node 24 (docs/decisions/0001-node-from-npm.md).\n',
  )
  process.exit(1)
}
// What is written holds secrets, mail addresses and readings: it is for the owner alone, in a folder of any mode.
process.umask(0o077)
// The log's fsync, DuckDB and the files share libuv's pool: four threads, the default, would let queries delay PUBACKs.
process.env.UV_THREADPOOL_SIZE ??= '16'
// Compiled code kept between starts, for the threads too: half the import time, and 20 MB less for each thread.
process.env.NODE_COMPILE_CACHE ??= new URL('../node_modules/.cache/compile', import.meta.url).pathname
const { enableCompileCache } = await import('node:module')
enableCompileCache(process.env.NODE_COMPILE_CACHE)
// What the installation made of these very sources, if it did and nobody wants the sources themselves.
const { findBundle } = await import('./bundle/find.js')
await import((process.env.PELBIOT_SOURCES ? undefined : findBundle()) ?? './cli.ts')
