/** What a key may be narrowed to; a key without scopes may do whatever its role allows. */
export const scopes = [
  'sites:read',
  'sites:write',
  'devices:read',
  'devices:write',
  'profiles:read',
  'profiles:write',
  'readings:read',
  'keys:read',
  'keys:write',
  'platform:read',
] as const

export type Scope = (typeof scopes)[number]
