-- Once, in the new database, as its superuser. The app's role owns nothing and changes no table's shape; its password
-- comes later from the Secret inventory-db-app. No statement, lock or forgotten transaction of it lasts longer than this.
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
CREATE ROLE inventory_app LOGIN;
ALTER ROLE inventory_app SET lock_timeout = '2s';
ALTER ROLE inventory_app SET statement_timeout = '15s';
ALTER ROLE inventory_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE inventory_app SET transaction_timeout = '30s';
-- Behind a pooler no session can set it for itself.
ALTER ROLE inventory_app SET jit = 'off';
REVOKE ALL ON DATABASE crossdock_inventory FROM PUBLIC;
GRANT CONNECT ON DATABASE crossdock_inventory TO inventory_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO inventory_app;
ALTER DEFAULT PRIVILEGES FOR ROLE inventory_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO inventory_app;
ALTER DEFAULT PRIVILEGES FOR ROLE inventory_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO inventory_app;
ALTER DEFAULT PRIVILEGES FOR ROLE inventory_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO inventory_app;
