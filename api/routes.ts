import type { Route } from './route.ts'
import type { RouteDeps } from './route-deps.ts'
import { accountLinkRoutes } from './routes/account-links.ts'
import { alertRoutes } from './routes/alerts.ts'
import { assetRoutes } from './routes/assets.ts'
import { auditRoutes } from './routes/audit.ts'
import { certificateRoutes } from './routes/certificates.ts'
import { connectionRoutes } from './routes/connections.ts'
import { deviceRoutes } from './routes/devices.ts'
import { docsRoutes } from './routes/docs.ts'
import { followRoutes } from './routes/follow.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { latestRoutes } from './routes/latest.ts'
import { liveRoutes } from './routes/live.ts'
import { messageRoutes } from './routes/messages.ts'
import { notificationRoutes } from './routes/notifications.ts'
import { ownAccountRoutes } from './routes/own-account.ts'
import { peopleRoutes } from './routes/people.ts'
import { profileRoutes } from './routes/profiles.ts'
import { quarantineRoutes } from './routes/quarantine.ts'
import { readingRoutes } from './routes/readings.ts'
import { rejectedRoutes } from './routes/rejected.ts'
import { ruleRoutes } from './routes/rules.ts'
import { serviceLevelRoutes } from './routes/service-levels.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { signInPageRoutes } from './routes/sign-in-page.ts'
import { siteRoutes } from './routes/sites.ts'
import { statusRoutes } from './routes/status.ts'
import { telemetryRoutes } from './routes/telemetry.ts'
import { tokenRoutes } from './routes/tokens.ts'

/** Every route there is; what is not in this list is neither mounted nor documented. */
export function createRoutes(deps: RouteDeps): readonly Route[] {
  const routes: Route[] = [
    ...readingRoutes(deps),
    ...latestRoutes(deps),
    ...deviceRoutes(deps),
    ...tokenRoutes(deps),
    ...certificateRoutes(deps),
    ...connectionRoutes(deps),
    ...quarantineRoutes(deps),
    ...messageRoutes(deps),
    ...followRoutes(deps),
    ...siteRoutes(deps),
    ...assetRoutes(deps),
    ...profileRoutes(deps),
    ...ruleRoutes(deps),
    ...alertRoutes(deps),
    ...notificationRoutes(deps),
    ...signInRoutes(deps),
    ...accountLinkRoutes(deps),
    ...ownAccountRoutes(deps),
    ...peopleRoutes(deps),
    ...keyRoutes(deps),
    ...telemetryRoutes(deps),
    ...rejectedRoutes(deps),
    ...auditRoutes(deps),
    ...statusRoutes(deps),
    ...serviceLevelRoutes(deps),
    ...healthRoutes(deps),
  ]
  routes.push(...liveRoutes(), ...signInPageRoutes(), ...docsRoutes(routes, deps))
  return routes
}
