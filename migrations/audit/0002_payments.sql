CREATE TABLE `audit_payments` (
	`id` text PRIMARY KEY NOT NULL,
	`organisation_id` text NOT NULL,
	`reference` text NOT NULL,
	`at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`provider` text NOT NULL,
	`state` text NOT NULL,
	`usd_micros` integer NOT NULL,
	`charged_usd_micros` integer,
	`account` text,
	`payer` text,
	`amount` text,
	`asset` text,
	`network` text,
	`nonce` text,
	`transaction_hash` text,
	`event_id` text NOT NULL,
	`credential_id` text,
	`recipient_id` text,
	`connection_id` text,
	`grant_id` text,
	`customer` text,
	`environment` text,
	`method` text NOT NULL,
	`path` text NOT NULL,
	`status` integer,
	`request_id` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_payments_by_reference` ON `audit_payments` (`organisation_id`,`reference`);--> statement-breakpoint
CREATE INDEX `audit_payments_by_time` ON `audit_payments` (`organisation_id`,`at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `audit_payments_by_credential` ON `audit_payments` (`credential_id`,`at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `audit_payments_by_recipient` ON `audit_payments` (`recipient_id`,`at_ms`,`id`) WHERE recipient_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_payments_by_customer` ON `audit_payments` (`customer`,`at_ms`,`id`) WHERE customer IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_payments_by_transaction` ON `audit_payments` (`transaction_hash`) WHERE transaction_hash IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_payments_open` ON `audit_payments` (`state`,`at_ms`,`id`) WHERE state NOT IN ('settled', 'released');--> statement-breakpoint
ALTER TABLE `audit_rollups` ADD `payment_calls` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `audit_rollups` ADD `paid_x402_usd_micros` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `audit_rollups` ADD `paid_credits_usd_micros` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `audit_rollups` ADD `refunded_usd_micros` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `audit_rollups` ADD `payments_unknown` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- What an event's notes say of its payment, kept by the statement that inserts the event and so once. An event that is
-- passed over (a second delivery) comes to no AFTER trigger. Calls without a payment cost nothing here.
-- What was charged to an account is the note's word; where the vendor's answer says what the call cost, it is that cost, at
-- most what was held: the same that the ledger does. Events may come in any order: the later call's word counts.
CREATE TRIGGER `audit_events_payment` AFTER INSERT ON `audit_events`
WHEN CASE WHEN json_valid(NEW.`notes`) THEN NEW.`notes` ->> '$.payment.provider' END IN ('x402', 'credits')
BEGIN
  INSERT INTO `audit_payments` (
    `id`, `organisation_id`, `reference`, `at_ms`, `updated_at_ms`, `provider`, `state`, `usd_micros`, `charged_usd_micros`,
    `account`, `payer`, `amount`, `asset`, `network`, `nonce`, `transaction_hash`, `event_id`, `credential_id`, `recipient_id`,
    `connection_id`, `grant_id`, `customer`, `environment`, `method`, `path`, `status`, `request_id`
  )
  SELECT
    NEW.`id`, NEW.`organisation_id`,
    coalesce(p.network || '/' || p.asset || '/' || p.payer || '/' || p.nonce, NEW.`request_id`),
    NEW.`at_ms`, NEW.`at_ms`, p.provider, p.state, p.usd_micros,
    CASE
      WHEN p.state IN ('reserved', 'unknown') THEN NULL
      WHEN p.state NOT IN ('settled', 'kept') THEN 0
      WHEN p.provider = 'credits' THEN coalesce(p.charged, min(p.usd_micros, coalesce(NEW.`cost_usd_micros`, p.usd_micros)))
      ELSE p.usd_micros
    END,
    p.account, p.payer, p.amount, p.asset, p.network, p.nonce, nullif(p.transaction_hash, ''), NEW.`id`, NEW.`credential_id`,
    NEW.`recipient_id`, NEW.`connection_id`, NEW.`grant_id`, NEW.`customer`, NEW.`environment`, NEW.`method`, NEW.`path`,
    NEW.`status`, NEW.`request_id`
  FROM (
    SELECT
      NEW.`notes` ->> '$.payment.provider' AS provider,
      coalesce(NEW.`notes` ->> '$.payment.state', 'unknown') AS state,
      coalesce(NEW.`notes` ->> '$.payment.usd_micros', 0) AS usd_micros,
      NEW.`notes` ->> '$.payment.charged' AS charged,
      NEW.`notes` ->> '$.payment.account' AS account,
      NEW.`notes` ->> '$.payment.payer' AS payer,
      NEW.`notes` ->> '$.payment.amount' AS amount,
      NEW.`notes` ->> '$.payment.asset' AS asset,
      NEW.`notes` ->> '$.payment.network' AS network,
      NEW.`notes` ->> '$.payment.nonce' AS nonce,
      NEW.`notes` ->> '$.payment.transaction' AS transaction_hash
  ) AS p
  WHERE true
  ON CONFLICT (`organisation_id`, `reference`) DO UPDATE SET
    `updated_at_ms` = excluded.`updated_at_ms`, `state` = excluded.`state`, `usd_micros` = excluded.`usd_micros`,
    `charged_usd_micros` = excluded.`charged_usd_micros`, `account` = coalesce(excluded.`account`, `account`),
    `transaction_hash` = coalesce(excluded.`transaction_hash`, `transaction_hash`), `event_id` = excluded.`event_id`,
    `credential_id` = excluded.`credential_id`, `recipient_id` = excluded.`recipient_id`,
    `connection_id` = excluded.`connection_id`, `grant_id` = excluded.`grant_id`, `customer` = excluded.`customer`,
    `environment` = excluded.`environment`, `method` = excluded.`method`, `path` = excluded.`path`,
    `status` = excluded.`status`, `request_id` = excluded.`request_id`
  WHERE excluded.`updated_at_ms` >= `audit_payments`.`updated_at_ms`;

  INSERT INTO `audit_rollups` (
    `organisation_id`, `hour_ms`, `credential_id`, `recipient_id`, `connection_id`, `environment`, `customer`,
    `requests`, `forwarded`, `refused`, `unknown`, `retries`, `upstream_errors`, `cost_usd_micros`, `bytes_in`, `bytes_out`,
    `latency_sum_ms`, `latency_50`, `latency_100`, `latency_250`, `latency_500`, `latency_1000`, `latency_2500`,
    `latency_5000`, `latency_10000`, `latency_more`,
    `payment_calls`, `paid_x402_usd_micros`, `paid_credits_usd_micros`, `refunded_usd_micros`, `payments_unknown`
  )
  SELECT
    NEW.`organisation_id`, NEW.`at_ms` - NEW.`at_ms` % 3600000, coalesce(NEW.`credential_id`, ''),
    coalesce(NEW.`recipient_id`, ''), coalesce(NEW.`connection_id`, ''), coalesce(NEW.`environment`, ''),
    coalesce(NEW.`customer`, ''),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    p.state = 'settled',
    (p.state = 'settled' AND p.provider = 'x402') * p.usd_micros,
    (p.state = 'settled' AND p.provider = 'credits')
      * coalesce(p.charged, min(p.usd_micros, coalesce(NEW.`cost_usd_micros`, p.usd_micros))),
    (p.state = 'refunded') * p.usd_micros,
    p.state = 'unknown'
  FROM (
    SELECT
      NEW.`notes` ->> '$.payment.provider' AS provider,
      coalesce(NEW.`notes` ->> '$.payment.state', 'unknown') AS state,
      coalesce(NEW.`notes` ->> '$.payment.usd_micros', 0) AS usd_micros,
      NEW.`notes` ->> '$.payment.charged' AS charged
  ) AS p
  WHERE p.state IN ('settled', 'refunded', 'unknown')
  ON CONFLICT (
    `organisation_id`, `hour_ms`, `credential_id`, `recipient_id`, `connection_id`, `environment`, `customer`
  ) DO UPDATE SET
    `payment_calls` = `payment_calls` + excluded.`payment_calls`,
    `paid_x402_usd_micros` = `paid_x402_usd_micros` + excluded.`paid_x402_usd_micros`,
    `paid_credits_usd_micros` = `paid_credits_usd_micros` + excluded.`paid_credits_usd_micros`,
    `refunded_usd_micros` = `refunded_usd_micros` + excluded.`refunded_usd_micros`,
    `payments_unknown` = `payments_unknown` + excluded.`payments_unknown`;
END;
