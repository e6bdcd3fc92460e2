/** What a key may be narrowed to; a key without scopes may do whatever its role allows. */
export const scopes = [
  'sites:read',
  'sites:write',
  'devices:read',
  'devices:write',
  'profiles:read',
  'profiles:write',
  'readings:read',
  'telemetry:write',
  'rules:read',
  'rules:write',
  'alerts:read',
  'alerts:write',
  'notifications:read',
  'notifications:write',
  'keys:read',
  'keys:write',
  'people:read',
  'people:write',
  'audit:read',
  'platform:read',
] as const

export type Scope = (typeof scopes)[number]
