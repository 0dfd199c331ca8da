CREATE TABLE `archive_segments` (
	`id` text PRIMARY KEY NOT NULL,
	`first_n` integer NOT NULL,
	`last_n` integer NOT NULL,
	`rows` integer NOT NULL,
	`from_ms` integer NOT NULL,
	`to_ms` integer NOT NULL,
	`object_key` text NOT NULL,
	`sha256` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit_checkpoints` (
	`credential_id` text NOT NULL,
	`seq` integer NOT NULL,
	`hash` text NOT NULL,
	`at_ms` integer NOT NULL,
	`key_id` text NOT NULL,
	`signature` text NOT NULL,
	PRIMARY KEY(`credential_id`, `seq`)
);
--> statement-breakpoint
CREATE TABLE `audit_events` (
	`n` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`organisation_id` text NOT NULL,
	`credential_id` text,
	`seq` integer NOT NULL,
	`admission` integer NOT NULL,
	`at_ms` integer NOT NULL,
	`recipient_id` text,
	`connection_id` text,
	`grant_id` text,
	`customer` text,
	`environment` text,
	`method` text NOT NULL,
	`path` text NOT NULL,
	`operation` text,
	`decision` text NOT NULL,
	`reason` text NOT NULL,
	`status` integer,
	`upstream_status` integer,
	`attempts` integer NOT NULL,
	`latency_ms` integer,
	`upstream_ms` integer,
	`bytes_in` integer,
	`bytes_out` integer,
	`cost_usd_micros` integer,
	`address` text,
	`user_agent` text NOT NULL,
	`request_id` text NOT NULL,
	`upstream_credential_id` text,
	`count` integer NOT NULL,
	`notes` text NOT NULL,
	`prev_hash` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_events_by_time` ON `audit_events` (`at_ms`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `audit_events_chain` ON `audit_events` (`credential_id`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_events_by_credential` ON `audit_events` (`credential_id`,`at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `audit_events_by_connection` ON `audit_events` (`connection_id`,`at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `audit_events_by_path` ON `audit_events` (`path`,`at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `audit_events_by_recipient` ON `audit_events` (`recipient_id`,`at_ms`,`id`) WHERE recipient_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_events_by_customer` ON `audit_events` (`customer`,`at_ms`,`id`) WHERE customer IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_events_denied` ON `audit_events` (`at_ms`,`id`) WHERE decision = 'denied';--> statement-breakpoint
CREATE INDEX `audit_events_failed` ON `audit_events` (`status`,`at_ms`,`id`) WHERE status >= 400;--> statement-breakpoint
CREATE INDEX `audit_events_odd_method` ON `audit_events` (`method`,`at_ms`,`id`) WHERE method NOT IN ('GET', 'POST');--> statement-breakpoint
CREATE TABLE `audit_reasons` (
	`organisation_id` text NOT NULL,
	`hour_ms` integer NOT NULL,
	`reason` text NOT NULL,
	`credential_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`organisation_id`, `hour_ms`, `reason`, `credential_id`, `connection_id`)
);
--> statement-breakpoint
CREATE TABLE `audit_rollups` (
	`organisation_id` text NOT NULL,
	`hour_ms` integer NOT NULL,
	`credential_id` text NOT NULL,
	`recipient_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`environment` text NOT NULL,
	`customer` text NOT NULL,
	`requests` integer NOT NULL,
	`forwarded` integer NOT NULL,
	`refused` integer NOT NULL,
	`unknown` integer NOT NULL,
	`retries` integer NOT NULL,
	`upstream_errors` integer NOT NULL,
	`cost_usd_micros` integer NOT NULL,
	`bytes_in` integer NOT NULL,
	`bytes_out` integer NOT NULL,
	`latency_sum_ms` integer NOT NULL,
	`latency_50` integer NOT NULL,
	`latency_100` integer NOT NULL,
	`latency_250` integer NOT NULL,
	`latency_500` integer NOT NULL,
	`latency_1000` integer NOT NULL,
	`latency_2500` integer NOT NULL,
	`latency_5000` integer NOT NULL,
	`latency_10000` integer NOT NULL,
	`latency_more` integer NOT NULL,
	PRIMARY KEY(`organisation_id`, `hour_ms`, `credential_id`, `recipient_id`, `connection_id`, `environment`, `customer`)
);
--> statement-breakpoint
CREATE TABLE `notices` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`credential_id` text NOT NULL,
	`kind` text NOT NULL,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`next_attempt_ms` integer NOT NULL,
	`sent_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `notices_pending` ON `notices` (`next_attempt_ms`) WHERE state = 'pending';