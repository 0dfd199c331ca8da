-- Tables of src/store/audit-extra-schema.ts.
CREATE TABLE `dev_mailbox` (
	`id` text PRIMARY KEY NOT NULL,
	`to_address` text NOT NULL,
	`subject` text NOT NULL,
	`text` text NOT NULL,
	`at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dev_mailbox_by_age` ON `dev_mailbox` (`at_ms`);
--> statement-breakpoint
CREATE TABLE `audit_exports` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`format` text NOT NULL,
	`filter_json` text NOT NULL,
	`state` text NOT NULL,
	`rows` integer NOT NULL,
	`bytes` integer NOT NULL,
	`object_key` text,
	`sha256` text,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`started_at_ms` integer,
	`finished_at_ms` integer,
	`expires_at_ms` integer NOT NULL,
	`attempts` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_exports_by_age` ON `audit_exports` (`organisation_id`,`created_at_ms`,`id`);
--> statement-breakpoint
CREATE INDEX `audit_exports_by_state` ON `audit_exports` (`state`,`created_at_ms`);
--> statement-breakpoint
CREATE TABLE `work_positions` (
	`name` text PRIMARY KEY NOT NULL,
	`position` text NOT NULL
);
