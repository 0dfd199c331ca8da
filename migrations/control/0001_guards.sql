-- The record of changes is append-only, and one organisation exists from the start.
CREATE TRIGGER `control_events_no_update` BEFORE UPDATE ON `control_events`
BEGIN
  SELECT RAISE(ABORT, 'control_events is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `control_events_no_delete` BEFORE DELETE ON `control_events`
BEGIN
  SELECT RAISE(ABORT, 'control_events is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `policy_versions_no_update` BEFORE UPDATE ON `policy_versions`
BEGIN
  SELECT RAISE(ABORT, 'policy_versions is append-only');
END;
--> statement-breakpoint
INSERT INTO `organisations` (`id`, `name`, `plan`, `status`, `created_at_ms`)
VALUES ('org_default', 'Default organisation', 'unlimited', 'active', 0);
