/** Pages that belong together, as links in a row: unlike tabs each has a URL of its own. */
import { path } from "../router.ts";
import { Link } from "./button.tsx";

export function SubNav(props: {
  readonly label: string;
  readonly pages: readonly { readonly to: string; readonly label: string }[];
}) {
  // The most exact of those that lead here.
  const here = props.pages
    .filter((page) => path.value === page.to || path.value.startsWith(`${page.to}/`))
    .toSorted((left, right) => right.to.length - left.to.length)[0];
  return (
    <nav class="subnav" aria-label={props.label}>
      {props.pages.map((page) => (
        <Link key={page.to} to={page.to} current={page === here}>
          {page.label}
        </Link>
      ))}
    </nav>
  );
}
