/**
 * The operations of a connection's API by name: found, searched, and read from the vendor's OpenAPI document. The document
 * is read in the browser only to see that it is JSON; what it says is the API's to read.
 */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { MAX_OPENAPI_BYTES } from "../../../../src/domain/openapi-operations.ts";
import { apiPath, call, isRecord, patch } from "../api/client.ts";
import type { Answer } from "../api/client.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { bytes, plain, plural } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { Code, Text } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";

interface Uploaded {
  readonly operations: Connection["operations"];
  readonly notes: readonly string[];
}

const FIRST_SHOWN = 10;
const STEP = 100;

export function ConnectionOperations({
  connection,
  onChanged,
}: {
  readonly connection: Connection;
  readonly onChanged: (next: Connection) => void;
}) {
  const notes = useSignal<readonly string[]>([]);
  const removing = useSignal(false);
  const upload = useAction(
    (file: File) => send(connection.id, file),
    (found) => {
      notes.value = found.notes;
      notify(`${plural(found.operations.length, "operation")} found.`);
      onChanged({ ...connection, operations: found.operations });
    },
  );
  const { operations } = connection;
  return (
    <Section
      title="Operations"
      note="Names for the vendor’s calls: in the audit log, and where a scope says what it reaches."
      actions={
        canEdit.value ? (
          <>
            {operations.length === 0 ? null : (
              <Button look="quiet" onClick={() => (removing.value = true)}>
                Remove all
              </Button>
            )}
            <FileButton busy={upload.pending.value} onFile={(file) => void upload.run(file)}>
              {operations.length === 0 ? "Upload an OpenAPI document" : "Replace by a document"}
            </FileButton>
          </>
        ) : undefined
      }
    >
      <FailureNote failure={upload.failure.value} />
      {notes.value.length === 0 ? null : <Notes notes={notes.value} />}
      {operations.length === 0 ? (
        <Empty icon="audit" title="No names yet">
          Upload the vendor’s OpenAPI 3 document as JSON. Only names, methods and paths are kept.
        </Empty>
      ) : (
        <Found operations={operations} />
      )}
      {removing.value ? (
        <ConfirmDialog
          title="Remove all operations"
          verb="Remove"
          name={connection.name}
          run={() => patch<Connection>(`/connections/${connection.id}`, { operations: [] })}
          onDone={(next) => {
            removing.value = false;
            notes.value = [];
            onChanged(next);
          }}
          onClose={() => (removing.value = false)}
        >
          <p>Calls go on as before, without names. Events on record keep theirs.</p>
        </ConfirmDialog>
      ) : null}
    </Section>
  );
}

async function send(connectionId: string, file: File): Promise<Answer<Uploaded>> {
  const refuse = (message: string) => {
    const said = invalidFields([{ field: "openapi", message }]);
    return { ...said, error: { ...said.error, detail: message } };
  };
  if (file.size > MAX_OPENAPI_BYTES) {
    return refuse(`The file has ${bytes(file.size)}; at most ${bytes(MAX_OPENAPI_BYTES)} are read.`);
  }
  let document: unknown;
  try {
    document = JSON.parse(await file.text());
  } catch {
    return refuse("The file is not JSON. Vendors that publish YAML often publish JSON too.");
  }
  if (!isRecord(document)) return refuse("The file holds no OpenAPI document.");
  return call<Uploaded>("PUT", apiPath(`/connections/${connectionId}/openapi`), document);
}

/** A button that opens the system's dialog for one file. */
function FileButton(props: {
  readonly busy: boolean;
  readonly onFile: (file: File) => void;
  readonly children: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button busy={props.busy} onClick={() => input.current?.click()}>
        {props.busy ? "Reading …" : props.children}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept=".json,application/json"
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          if (file !== undefined) props.onFile(file);
          // The same file, mended, can be chosen again.
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

function Notes({ notes }: { readonly notes: readonly string[] }) {
  return (
    <div class="inner">
      <details>
        <summary>{plural(notes.length, "note")} from reading the document</summary>
        <ul class="plain stack tight">
          {notes.map((each) => (
            <li key={each}>
              <Text value={each} />
            </li>
          ))}
        </ul>
      </details>
    </div>
  );
}

function Found({ operations }: { readonly operations: Connection["operations"] }) {
  const typed = useSignal("");
  const shown = useSignal(FIRST_SHOWN);
  const wanted = typed.value.trim().toLowerCase();
  const found = operations.filter((each) =>
    `${each.method} ${each.template} ${each.name}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <div class="inner">
        <TextField
          label={`Search ${plural(operations.length, "operation")}`}
          name="operation"
          type="search"
          value={typed}
          placeholder="GET /contacts, or a name"
        />
        <p class="sr-only" role="status">
          {plural(found.length, "operation")}
        </p>
      </div>
      {found.length === 0 ? (
        <Empty icon="search" title="None fits" />
      ) : (
        <Table
          label="Operations"
          rows={found.slice(0, shown.value)}
          columns={[
            { head: "Call", cell: (row) => <Code value={`${row.method} ${row.template}`} /> },
            { head: "Name", cell: (row) => plain(row.name) },
          ]}
        />
      )}
      {found.length > shown.value ? (
        <div class="more">
          <Button onClick={() => (shown.value += STEP)}>Show more of {found.length - shown.value}</Button>
        </div>
      ) : null}
    </>
  );
}
