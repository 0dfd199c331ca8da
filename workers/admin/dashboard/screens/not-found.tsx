/** A path that names no screen, or one that this role may not open. */
import { ButtonLink } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";

export function NotFound() {
  return (
    <>
      <PageHead title="Not found" />
      <Empty
        icon="search"
        title="There is nothing here for you"
        action={<ButtonLink to="/">Go to the overview</ButtonLink>}
      >
        The address may be wrong, or your role may not open this page.
      </Empty>
    </>
  );
}
