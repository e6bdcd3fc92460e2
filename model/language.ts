/** Of mails: English and Indonesian. */
export const languages = ['en', 'id'] as const
export type Language = (typeof languages)[number]
