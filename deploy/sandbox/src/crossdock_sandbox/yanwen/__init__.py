"""Yanwen's order API, whose calls are signed with MD5, and its tracking service, which is another one."""
