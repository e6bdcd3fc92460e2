// Plain JavaScript, and never a failure: without the bundle the platform runs from its sources.
const major = Number(process.versions.node.split('.')[0])
try {
  if (major !== 24) throw new Error(`this is Node ${process.versions.node}`)
  const { buildBundle } = await import('./build.ts')
  process.stdout.write(`bundle ${await buildBundle()}\n`)
} catch (error) {
  process.stdout.write(`no bundle, so starts take longer: ${error instanceof Error ? error.message : error}\n`)
}
