-- Counts are kept by the code that adds and deletes rows. Triggers of earlier states of the tables
-- would count everything twice.
DROP TRIGGER IF EXISTS count_new_resource;
DROP TRIGGER IF EXISTS count_deleted_resource;
DROP TRIGGER IF EXISTS count_new_account;
DROP TRIGGER IF EXISTS count_deleted_account;
DROP TRIGGER IF EXISTS count_account_in_state;
DROP TRIGGER IF EXISTS count_new_row_of_log;
DROP TRIGGER IF EXISTS count_pruned_row_of_log;

DELETE FROM counts;
INSERT INTO counts
SELECT organization_id, 'resource:' || resource_type, count(*) FROM resources
GROUP BY organization_id, resource_type;
INSERT INTO counts
SELECT organization_id, 'account:' || wanted_state, count(*) FROM accounts
GROUP BY organization_id, wanted_state;
INSERT INTO counts
SELECT organization_id, 'log', count(*) FROM provisioning_log GROUP BY organization_id;
