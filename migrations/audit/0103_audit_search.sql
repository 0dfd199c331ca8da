-- Every index begins with the organisation, so that one with few events does not look through those of all others, and ends
-- with the time: events of one moment follow each other in the order of arrival, by their row number.
DROP INDEX `audit_events_by_time`;--> statement-breakpoint
DROP INDEX `audit_events_by_credential`;--> statement-breakpoint
DROP INDEX `audit_events_by_connection`;--> statement-breakpoint
DROP INDEX `audit_events_by_path`;--> statement-breakpoint
DROP INDEX `audit_events_by_recipient`;--> statement-breakpoint
DROP INDEX `audit_events_by_customer`;--> statement-breakpoint
DROP INDEX `audit_events_denied`;--> statement-breakpoint
DROP INDEX `audit_events_failed`;--> statement-breakpoint
DROP INDEX `audit_events_odd_method`;--> statement-breakpoint
CREATE INDEX `audit_events_by_time` ON `audit_events` (`organisation_id`,`at_ms`);--> statement-breakpoint
CREATE INDEX `audit_events_by_credential` ON `audit_events` (`organisation_id`,`credential_id`,`at_ms`);--> statement-breakpoint
CREATE INDEX `audit_events_by_connection` ON `audit_events` (`organisation_id`,`connection_id`,`at_ms`);--> statement-breakpoint
CREATE INDEX `audit_events_by_path` ON `audit_events` (`organisation_id`,`path`,`at_ms`);--> statement-breakpoint
CREATE INDEX `audit_events_by_recipient` ON `audit_events` (`organisation_id`,`recipient_id`,`at_ms`) WHERE recipient_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_events_by_customer` ON `audit_events` (`organisation_id`,`customer`,`at_ms`) WHERE customer IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_events_by_address` ON `audit_events` (`organisation_id`,`address`,`at_ms`);--> statement-breakpoint
CREATE INDEX `audit_events_by_reason` ON `audit_events` (`organisation_id`,`reason`,`at_ms`) WHERE reason <> 'ok';--> statement-breakpoint
CREATE INDEX `audit_events_denied` ON `audit_events` (`organisation_id`,`at_ms`) WHERE decision = 'denied';--> statement-breakpoint
CREATE INDEX `audit_events_errors` ON `audit_events` (`organisation_id`,`at_ms`) WHERE status >= 400;--> statement-breakpoint
CREATE INDEX `audit_events_failed` ON `audit_events` (`organisation_id`,`status`,`at_ms`) WHERE status >= 400;--> statement-breakpoint
CREATE INDEX `audit_events_odd_method` ON `audit_events` (`organisation_id`,`method`,`at_ms`) WHERE method NOT IN ('GET', 'POST');--> statement-breakpoint
CREATE INDEX `audit_events_by_request` ON `audit_events` (`request_id`);--> statement-breakpoint
CREATE INDEX `audit_events_by_id` ON `audit_events` (`id`);--> statement-breakpoint
-- As before, by the indexes that there are now.
DROP TRIGGER `audit_events_once`;--> statement-breakpoint
CREATE TRIGGER `audit_events_once` BEFORE INSERT ON `audit_events`
WHEN EXISTS (SELECT 1 FROM `audit_events` WHERE `id` = NEW.`id`)
  OR EXISTS (SELECT 1 FROM `audit_events` WHERE `credential_id` = NEW.`credential_id` AND `seq` = NEW.`seq`)
  OR EXISTS (SELECT 1 FROM `audit_events` WHERE `n` = NEW.`n`)
BEGIN
  SELECT RAISE(IGNORE);
END;
