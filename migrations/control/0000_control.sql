CREATE TABLE `connections` (
	`organisation_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`vendor` text,
	`environment` text,
	`status` text NOT NULL,
	`base_url` text NOT NULL,
	`auth_json` text NOT NULL,
	`settings_json` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	PRIMARY KEY(`organisation_id`, `id`)
);
--> statement-breakpoint
CREATE INDEX `connections_by_age` ON `connections` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `control_events` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`at_ms` integer NOT NULL,
	`actor_id` text NOT NULL,
	`actor_kind` text NOT NULL,
	`actor_name` text NOT NULL,
	`role` text NOT NULL,
	`action` text NOT NULL,
	`target_type` text NOT NULL,
	`target_id` text NOT NULL,
	`before_json` text,
	`after_json` text,
	`request_id` text NOT NULL,
	`address` text
);
--> statement-breakpoint
CREATE INDEX `control_events_by_age` ON `control_events` (`organisation_id`,`at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `control_events_by_target` ON `control_events` (`organisation_id`,`target_id`,`at_ms`);--> statement-breakpoint
CREATE TABLE `credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`lookup_id` text NOT NULL,
	`token_hash` text NOT NULL,
	`pepper_id` text NOT NULL,
	`token_last4` text NOT NULL,
	`previous_lookup_id` text,
	`previous_token_hash` text,
	`previous_pepper_id` text,
	`previous_expires_at_ms` integer,
	`status` text NOT NULL,
	`expires_at_ms` integer,
	`recipient_id` text,
	`environment` text,
	`labels_json` text NOT NULL,
	`limits_json` text NOT NULL,
	`trust_json` text,
	`acknowledged_json` text NOT NULL,
	`doc_version` integer NOT NULL,
	`gate_pending` integer NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`rotated_at_ms` integer,
	`revoked_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credentials_by_lookup` ON `credentials` (`lookup_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `credentials_by_previous_lookup` ON `credentials` (`previous_lookup_id`);--> statement-breakpoint
CREATE INDEX `credentials_by_age` ON `credentials` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `credentials_by_recipient` ON `credentials` (`organisation_id`,`recipient_id`);--> statement-breakpoint
CREATE INDEX `credentials_by_creator` ON `credentials` (`organisation_id`,`created_by`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `credentials_pending` ON `credentials` (`gate_pending`,`updated_at_ms`);--> statement-breakpoint
CREATE TABLE `customers` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`reference` text NOT NULL,
	`name` text NOT NULL,
	`labels_json` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `customers_by_reference` ON `customers` (`organisation_id`,`reference`);--> statement-breakpoint
CREATE INDEX `customers_by_age` ON `customers` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `exchange_trusts` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`name` text NOT NULL,
	`issuer` text NOT NULL,
	`audience` text NOT NULL,
	`jwks_url` text,
	`claims_json` text NOT NULL,
	`constraints_json` text NOT NULL,
	`status` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `exchange_trusts_by_issuer` ON `exchange_trusts` (`issuer`);--> statement-breakpoint
CREATE INDEX `exchange_trusts_by_age` ON `exchange_trusts` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `grants` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`credential_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`policy_id` text,
	`environment` text,
	`settings_json` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `grants_by_credential` ON `grants` (`organisation_id`,`credential_id`,`connection_id`);--> statement-breakpoint
CREATE INDEX `grants_by_connection` ON `grants` (`organisation_id`,`connection_id`);--> statement-breakpoint
CREATE INDEX `grants_by_policy` ON `grants` (`organisation_id`,`policy_id`);--> statement-breakpoint
CREATE INDEX `grants_by_age` ON `grants` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`organisation_id` text NOT NULL,
	`key_hash` text NOT NULL,
	`request_hash` text NOT NULL,
	`status` integer,
	`response` text,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	PRIMARY KEY(`organisation_id`, `key_hash`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_by_expiry` ON `idempotency_keys` (`expires_at_ms`);--> statement-breakpoint
CREATE TABLE `login_links` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`email` text NOT NULL,
	`member_id` text,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	`used_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `login_links_by_email` ON `login_links` (`email`,`created_at_ms`);--> statement-breakpoint
CREATE INDEX `login_links_by_expiry` ON `login_links` (`expires_at_ms`);--> statement-breakpoint
CREATE TABLE `management_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`lookup_id` text NOT NULL,
	`token_hash` text NOT NULL,
	`pepper_id` text NOT NULL,
	`token_last4` text NOT NULL,
	`previous_lookup_id` text,
	`previous_token_hash` text,
	`previous_pepper_id` text,
	`previous_expires_at_ms` integer,
	`constraints_json` text,
	`status` text NOT NULL,
	`expires_at_ms` integer,
	`last_used_at_ms` integer,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`revoked_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `management_keys_by_lookup` ON `management_keys` (`lookup_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `management_keys_by_previous_lookup` ON `management_keys` (`previous_lookup_id`);--> statement-breakpoint
CREATE INDEX `management_keys_by_age` ON `management_keys` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `members` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`email` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`status` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`last_login_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `members_by_email` ON `members` (`organisation_id`,`email`);--> statement-breakpoint
CREATE INDEX `members_by_age` ON `members` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `members_by_email_alone` ON `members` (`email`);--> statement-breakpoint
CREATE TABLE `organisations` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`plan` text NOT NULL,
	`status` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `policies` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`settings_json` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `policies_by_age` ON `policies` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `policy_versions` (
	`organisation_id` text NOT NULL,
	`policy_id` text NOT NULL,
	`version` integer NOT NULL,
	`name` text NOT NULL,
	`settings_json` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	PRIMARY KEY(`organisation_id`, `policy_id`, `version`)
);
--> statement-breakpoint
CREATE TABLE `recipients` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`name` text NOT NULL,
	`email` text,
	`kind` text NOT NULL,
	`environment` text,
	`labels_json` text NOT NULL,
	`limits_json` text NOT NULL,
	`status` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`revoked_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `recipients_by_age` ON `recipients` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`member_id` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`last_seen_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	`revoked_at_ms` integer,
	`user_agent` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sessions_by_member` ON `sessions` (`organisation_id`,`member_id`);--> statement-breakpoint
CREATE INDEX `sessions_by_expiry` ON `sessions` (`expires_at_ms`);--> statement-breakpoint
CREATE TABLE `share_links` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`credential_id` text NOT NULL,
	`lookup_hash` text NOT NULL,
	`payload` text,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	`opened_at_ms` integer,
	`opened_address` text,
	`withdrawn_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `share_links_by_lookup` ON `share_links` (`lookup_hash`);--> statement-breakpoint
CREATE INDEX `share_links_by_credential` ON `share_links` (`organisation_id`,`credential_id`);--> statement-breakpoint
CREATE INDEX `share_links_by_age` ON `share_links` (`organisation_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `upstream_credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`name` text,
	`version` integer NOT NULL,
	`state` text NOT NULL,
	`canary_share` real NOT NULL,
	`replaces_id` text,
	`environment` text,
	`priority` integer NOT NULL,
	`weight` integer NOT NULL,
	`last4` text NOT NULL,
	`location_json` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`rotated_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `upstream_credentials_by_connection` ON `upstream_credentials` (`organisation_id`,`connection_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `used_assertions` (
	`organisation_id` text NOT NULL,
	`id` text NOT NULL,
	`expires_at_ms` integer NOT NULL,
	PRIMARY KEY(`organisation_id`, `id`)
);
--> statement-breakpoint
CREATE INDEX `used_assertions_by_expiry` ON `used_assertions` (`expires_at_ms`);--> statement-breakpoint
CREATE TABLE `webhook_deliveries` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`event` text NOT NULL,
	`payload_json` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer NOT NULL,
	`last_status` integer,
	`next_attempt_at_ms` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `webhook_deliveries_by_webhook` ON `webhook_deliveries` (`organisation_id`,`webhook_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_due` ON `webhook_deliveries` (`state`,`next_attempt_at_ms`);--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`name` text NOT NULL,
	`url` text NOT NULL,
	`events_json` text NOT NULL,
	`secret_version` integer NOT NULL,
	`secret_json` text NOT NULL,
	`status` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `webhooks_by_age` ON `webhooks` (`organisation_id`,`created_at_ms`,`id`);