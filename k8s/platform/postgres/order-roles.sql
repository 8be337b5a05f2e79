-- Once, in the new database, as its superuser. The app's role owns nothing and changes no table's shape; its password
-- comes later from the Secret order-db-app. No statement, lock or forgotten transaction of it lasts longer than this.
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
CREATE ROLE order_app LOGIN;
ALTER ROLE order_app SET lock_timeout = '2s';
ALTER ROLE order_app SET statement_timeout = '15s';
ALTER ROLE order_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE order_app SET transaction_timeout = '30s';
-- Behind a pooler no session can set it for itself.
ALTER ROLE order_app SET jit = 'off';
REVOKE ALL ON DATABASE crossdock_order FROM PUBLIC;
GRANT CONNECT ON DATABASE crossdock_order TO order_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO order_app;
ALTER DEFAULT PRIVILEGES FOR ROLE order_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO order_app;
ALTER DEFAULT PRIVILEGES FOR ROLE order_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO order_app;
ALTER DEFAULT PRIVILEGES FOR ROLE order_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO order_app;
