/** Style sheets are bundled by their import; they have no exports. */
declare module "*.css";
