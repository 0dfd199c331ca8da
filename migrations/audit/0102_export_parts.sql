-- Tables of src/store/audit-extra-schema.ts: an export that was interrupted goes on from its last finished part.
ALTER TABLE `audit_exports` ADD `upload_id` text;
--> statement-breakpoint
ALTER TABLE `audit_exports` ADD `up_to_n` integer;
--> statement-breakpoint
CREATE TABLE `audit_export_parts` (
	`export_id` text NOT NULL,
	`part` integer NOT NULL,
	`etag` text NOT NULL,
	`after_n` integer NOT NULL,
	`rows` integer NOT NULL,
	`skip_bytes` integer NOT NULL,
	`skip_sha256` text NOT NULL,
	`notes_json` text NOT NULL,
	PRIMARY KEY(`export_id`, `part`)
);
