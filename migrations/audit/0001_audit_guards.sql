-- An event is inserted once: a second delivery, with the same or other content, is passed over. This comes before any
-- conflict handling, so that INSERT OR REPLACE cannot replace anything either.
CREATE TRIGGER `audit_events_once` BEFORE INSERT ON `audit_events`
WHEN EXISTS (SELECT 1 FROM `audit_events` WHERE `at_ms` = NEW.`at_ms` AND `id` = NEW.`id`)
  OR EXISTS (SELECT 1 FROM `audit_events` WHERE `credential_id` = NEW.`credential_id` AND `seq` = NEW.`seq`)
  OR EXISTS (SELECT 1 FROM `audit_events` WHERE `n` = NEW.`n`)
BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER `audit_events_no_update` BEFORE UPDATE ON `audit_events`
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
WHEN NOT EXISTS (SELECT 1 FROM `archive_segments` WHERE OLD.`n` BETWEEN `first_n` AND `last_n`)
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only: the row is not archived');
END;
--> statement-breakpoint
CREATE TRIGGER `archive_segments_once` BEFORE INSERT ON `archive_segments`
WHEN EXISTS (SELECT 1 FROM `archive_segments` WHERE `id` = NEW.`id`)
BEGIN
  SELECT RAISE(ABORT, 'archive_segments is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `archive_segments_no_update` BEFORE UPDATE ON `archive_segments`
BEGIN
  SELECT RAISE(ABORT, 'archive_segments is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `archive_segments_no_delete` BEFORE DELETE ON `archive_segments`
BEGIN
  SELECT RAISE(ABORT, 'archive_segments is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `audit_checkpoints_once` BEFORE INSERT ON `audit_checkpoints`
WHEN EXISTS (SELECT 1 FROM `audit_checkpoints` WHERE `credential_id` = NEW.`credential_id` AND `seq` = NEW.`seq`)
BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER `audit_checkpoints_no_update` BEFORE UPDATE ON `audit_checkpoints`
BEGIN
  SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `audit_checkpoints_no_delete` BEFORE DELETE ON `audit_checkpoints`
BEGIN
  SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
--> statement-breakpoint
-- The sums are kept by the statement that inserts: what is passed over above is not counted again.
CREATE TRIGGER `audit_events_rollup` AFTER INSERT ON `audit_events`
BEGIN
  INSERT INTO `audit_rollups` (
    `organisation_id`, `hour_ms`, `credential_id`, `recipient_id`, `connection_id`, `environment`, `customer`,
    `requests`, `forwarded`, `refused`, `unknown`, `retries`, `upstream_errors`, `cost_usd_micros`, `bytes_in`, `bytes_out`,
    `latency_sum_ms`, `latency_50`, `latency_100`, `latency_250`, `latency_500`, `latency_1000`, `latency_2500`,
    `latency_5000`, `latency_10000`, `latency_more`
  )
  VALUES (
    NEW.`organisation_id`, NEW.`at_ms` - NEW.`at_ms` % 3600000, coalesce(NEW.`credential_id`, ''),
    coalesce(NEW.`recipient_id`, ''), coalesce(NEW.`connection_id`, ''), coalesce(NEW.`environment`, ''),
    coalesce(NEW.`customer`, ''),
    NEW.`count`,
    (NEW.`decision` = 'allowed') * NEW.`count`,
    (NEW.`decision` = 'denied') * NEW.`count`,
    (NEW.`reason` = 'unknown') * NEW.`count`,
    max(NEW.`attempts` - 1, 0),
    coalesce(NEW.`upstream_status` >= 500, 0) OR NEW.`reason` IN ('upstream_unreachable', 'upstream_timeout'),
    coalesce(NEW.`cost_usd_micros`, 0), coalesce(NEW.`bytes_in`, 0), coalesce(NEW.`bytes_out`, 0),
    CASE WHEN NEW.`decision` = 'allowed' THEN coalesce(NEW.`latency_ms`, 0) ELSE 0 END,
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` <= 50, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 50 AND NEW.`latency_ms` <= 100, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 100 AND NEW.`latency_ms` <= 250, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 250 AND NEW.`latency_ms` <= 500, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 500 AND NEW.`latency_ms` <= 1000, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 1000 AND NEW.`latency_ms` <= 2500, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 2500 AND NEW.`latency_ms` <= 5000, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 5000 AND NEW.`latency_ms` <= 10000, 0),
    coalesce(NEW.`decision` = 'allowed' AND NEW.`latency_ms` > 10000, 0)
  )
  ON CONFLICT (
    `organisation_id`, `hour_ms`, `credential_id`, `recipient_id`, `connection_id`, `environment`, `customer`
  ) DO UPDATE SET
    `requests` = `requests` + excluded.`requests`,
    `forwarded` = `forwarded` + excluded.`forwarded`,
    `refused` = `refused` + excluded.`refused`,
    `unknown` = `unknown` + excluded.`unknown`,
    `retries` = `retries` + excluded.`retries`,
    `upstream_errors` = `upstream_errors` + excluded.`upstream_errors`,
    `cost_usd_micros` = `cost_usd_micros` + excluded.`cost_usd_micros`,
    `bytes_in` = `bytes_in` + excluded.`bytes_in`,
    `bytes_out` = `bytes_out` + excluded.`bytes_out`,
    `latency_sum_ms` = `latency_sum_ms` + excluded.`latency_sum_ms`,
    `latency_50` = `latency_50` + excluded.`latency_50`,
    `latency_100` = `latency_100` + excluded.`latency_100`,
    `latency_250` = `latency_250` + excluded.`latency_250`,
    `latency_500` = `latency_500` + excluded.`latency_500`,
    `latency_1000` = `latency_1000` + excluded.`latency_1000`,
    `latency_2500` = `latency_2500` + excluded.`latency_2500`,
    `latency_5000` = `latency_5000` + excluded.`latency_5000`,
    `latency_10000` = `latency_10000` + excluded.`latency_10000`,
    `latency_more` = `latency_more` + excluded.`latency_more`;
END;
--> statement-breakpoint
CREATE TRIGGER `audit_events_reasons` AFTER INSERT ON `audit_events` WHEN NEW.`reason` <> 'ok'
BEGIN
  INSERT INTO `audit_reasons` (`organisation_id`, `hour_ms`, `reason`, `credential_id`, `connection_id`, `count`)
  VALUES (
    NEW.`organisation_id`, NEW.`at_ms` - NEW.`at_ms` % 3600000, NEW.`reason`, coalesce(NEW.`credential_id`, ''),
    coalesce(NEW.`connection_id`, ''), NEW.`count`
  )
  ON CONFLICT (`organisation_id`, `hour_ms`, `reason`, `credential_id`, `connection_id`)
  DO UPDATE SET `count` = `count` + excluded.`count`;
END;
