-- Once, in the new database, as its superuser. The app's role owns nothing and changes no table's shape; its password
-- comes later from the Secret shipping-db-app. No statement, lock or forgotten transaction of it lasts longer than this.
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
CREATE ROLE shipping_app LOGIN;
ALTER ROLE shipping_app SET lock_timeout = '2s';
ALTER ROLE shipping_app SET statement_timeout = '15s';
ALTER ROLE shipping_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE shipping_app SET transaction_timeout = '30s';
-- Behind a pooler no session can set it for itself.
ALTER ROLE shipping_app SET jit = 'off';
REVOKE ALL ON DATABASE crossdock_shipping FROM PUBLIC;
GRANT CONNECT ON DATABASE crossdock_shipping TO shipping_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO shipping_app;
ALTER DEFAULT PRIVILEGES FOR ROLE shipping_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shipping_app;
ALTER DEFAULT PRIVILEGES FOR ROLE shipping_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO shipping_app;
ALTER DEFAULT PRIVILEGES FOR ROLE shipping_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO shipping_app;
