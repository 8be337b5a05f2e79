-- What the server of deploy/compose.core.yaml holds: a database per service, and two roles each. psql runs it once,
-- when the data folder is empty; the image's start script does so with every *.sql of this folder.
-- The roles and rights are those of crossdock_cli.embedded.databases; a test compares them.
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;

\set service order
\getenv owner_password ORDER_OWNER_PASSWORD
\getenv app_password ORDER_APP_PASSWORD
\ir service.psql

\set service inventory
\getenv owner_password INVENTORY_OWNER_PASSWORD
\getenv app_password INVENTORY_APP_PASSWORD
\ir service.psql

\set service shipping
\getenv owner_password SHIPPING_OWNER_PASSWORD
\getenv app_password SHIPPING_APP_PASSWORD
\ir service.psql

\set service notify
\getenv owner_password NOTIFY_OWNER_PASSWORD
\getenv app_password NOTIFY_APP_PASSWORD
\ir service.psql
