import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // How long that takes on a busy machine is nobody's promise.
    expect: { poll: { timeout: 20_000 } },
    // Two cores: more workers than that only make the real servers slower.
    maxWorkers: 2,
  },
})
