/** Lists as tables; on a narrow screen each row becomes a card. Knows the states of the list that it shows. */
import type { ComponentChildren } from "preact";
import type { List } from "../api/resource.ts";
import { Button, Link } from "./button.tsx";
import { Failed, FailureNote, Loading } from "./states.tsx";

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers stand right. */
  readonly right?: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** The first column becomes a link there. */
  readonly to?: (row: T) => string;
  /** The row whose details are open beside the table. */
  readonly current?: (row: T) => boolean;
}

export function Table<T extends object>({ label, rows, columns, to, current }: TableProps<T>) {
  return (
    <div class="table-wrap">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" class={column.right === true ? "right" : undefined}>
                {column.head === "" ? <span class="sr-only">Actions</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={keyOf(row, i)} aria-current={current?.(row) === true ? "true" : undefined}>
              {columns.map((column, at) => (
                <td key={column.head} data-label={column.head} class={column.right === true ? "right" : undefined}>
                  {at === 0 && to !== undefined ? (
                    <Link to={to(row)} class="row-link">
                      {column.cell(row)}
                    </Link>
                  ) : (
                    column.cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A list from the API with all its states. `empty` is shown when there is nothing. */
export function ListView<T extends object>(
  props: Omit<TableProps<T>, "rows"> & { readonly list: List<T>; readonly empty: ComponentChildren },
) {
  const { list } = props;
  const rows = list.value.value;
  const failure = list.failure.value;
  if (rows === null) {
    return failure === null ? <Loading /> : <Failed failure={failure} retry={() => void list.reload()} />;
  }
  if (rows.length === 0) return <>{props.empty}</>;
  return (
    <>
      <FailureNote failure={failure} />
      <Table
        label={props.label}
        rows={rows}
        columns={props.columns}
        {...(props.to === undefined ? {} : { to: props.to })}
      />
      {list.hasMore.value ? (
        <div class="more">
          <Button busy={list.loading.value} onClick={() => list.more()}>
            Show more
          </Button>
        </div>
      ) : null}
    </>
  );
}

function keyOf(row: object, index: number): string | number {
  return "id" in row && typeof row.id === "string" ? row.id : index;
}
