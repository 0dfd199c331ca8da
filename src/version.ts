/** The release, as `/health` and the API documents tell it. A test holds it to package.json. */
export const VERSION = "0.1.0";
