ALTER TABLE `customers` ADD `limits_json` text;--> statement-breakpoint
CREATE INDEX `customers_limited` ON `customers` (`organisation_id`,`reference`) WHERE limits_json IS NOT NULL;