/** What every screen is given. */
export interface ScreenProps {
  /** Of the URL's path, as `match` reads them. */
  readonly params: Readonly<Record<string, string>>;
}
