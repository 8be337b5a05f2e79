"""What the manifests tell a process is what its code reads; when they ask and end it, it answers and ends."""

import pkgutil
from importlib import import_module

from pydantic_settings import BaseSettings

from crossdock_chassis.config import Settings, environment_name
from crossdock_chassis.health import PROBE_PATHS, START_PATIENCE_S
from crossdock_chassis.running import OVERDUE_S
from crossdock_chassis.running import ROLES as ROLES_IN_CODE

from .processes import environment, role, service_name, service_of
from .rendered import ROLES, SERVICES, Rendered, container, name, pod

#: Not read by us: the driver's own, and parts that a URL is put together from.
NOT_SETTINGS = {
    "PGSSLROOTCERT",
    *(f"{one.upper()}_DATABASE{who}_PASSWORD" for one in SERVICES for who in ("", "_OWNER")),
}


def all_settings() -> set[str]:
    """Every variable that any settings class of the services and their adapters reads."""
    for one in SERVICES:
        package = import_module(f"{one}_service")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".settings"):
                import_module(module.name)
    return {environment_name(one, field) for one in _subclasses(Settings) for field in one.model_fields}


def _subclasses(settings: type[BaseSettings]) -> list[type[BaseSettings]]:
    found = settings.__subclasses__()
    return found + [deeper for one in found for deeper in _subclasses(one)]


def test_each_service_has_a_deployment_for_each_role_and_a_job_for_its_migrations(rendered: Rendered) -> None:
    deployments = {one["metadata"]["name"] for one in rendered.of("Deployment")}
    jobs = {one["metadata"]["name"] for one in rendered.of("Job")}

    assert ROLES == ROLES_IN_CODE
    assert deployments == {f"{service}-{one}" for service in SERVICES for one in ROLES}
    assert jobs == {f"{service}-migrate" for service in SERVICES}


def test_each_is_started_as_the_role_it_is_named_after(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        service = service_name(workload)

        assert workload["metadata"]["name"] == f"{service}-{role(workload)}"
        assert container(workload)["command"] == ["python", "-m", f"{service}_service"]
        assert container(workload)["args"] == [role(workload)]
        assert (
            container(workload)["image"].split(":")[0].split("@")[0].endswith(f"crossdock/{service}-service")
        )


def test_no_variable_is_set_that_nobody_reads(rendered: Rendered) -> None:
    known = all_settings() | NOT_SETTINGS
    unknown = {
        f"{name(workload)}: {variable}"
        for workload in rendered.workloads()
        for variable in environment(rendered, workload)
        if variable not in known
    }

    assert unknown == set()


def test_the_code_takes_its_settings_from_each_manifest(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        service = service_of(rendered, workload)
        settings = service.settings

        assert service.name == service_name(workload)
        assert settings.http_host == "0.0.0.0"
        assert settings.kafka_security_protocol == "SSL"
        assert settings.database_pooled
        assert settings.metrics_enabled
        for url in (settings.database_url, settings.direct_url):
            assert f"{service.name}_app:" in url.get_secret_value()
        assert (settings.migration_url is not None) == (role(workload) == "migrate")


def test_probes_ask_the_port_the_process_listens_on(rendered: Rendered) -> None:
    for workload in rendered.of("Deployment"):
        settings = service_of(rendered, workload).settings
        listens = settings.http_port if role(workload) == "api" else settings.health_port
        ports = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
        probes = {
            probe: container(workload)[probe]["httpGet"]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        }

        assert list(ports.values()) == [listens]
        assert {ask["port"] for ask in probes.values()} == set(ports)
        assert [ask["path"] for ask in probes.values()] == ["/startupz", "/readyz", "/livez"]
        assert {ask["path"] for ask in probes.values()} < PROBE_PATHS


def test_a_pod_may_take_as_long_to_start_as_the_code_waits(rendered: Rendered) -> None:
    for workload in rendered.of("Deployment"):
        settings = service_of(rendered, workload).settings
        probe = container(workload)["startupProbe"]

        allowed_s = probe["periodSeconds"] * probe["failureThreshold"]
        assert allowed_s > settings.database_wait_s + START_PATIENCE_S
        assert workload["spec"]["progressDeadlineSeconds"] > allowed_s


def test_a_pod_ends_by_itself_before_it_is_killed(rendered: Rendered) -> None:
    for workload in rendered.of("Deployment"):
        settings = service_of(rendered, workload).settings
        sleep_s = (
            container(workload).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        )

        assert (sleep_s > 0) == (role(workload) == "api")
        assert sleep_s + settings.drain_delay_s + OVERDUE_S < pod(workload)["terminationGracePeriodSeconds"]


def test_certificates_are_where_the_settings_look_for_them(rendered: Rendered) -> None:
    for workload in rendered.workloads():
        settings = service_of(rendered, workload).settings
        mounts = {mount["mountPath"]: mount for mount in container(workload)["volumeMounts"]}
        secrets = {one["name"]: one.get("secret", {}).get("secretName") for one in pod(workload)["volumes"]}
        service = service_name(workload)

        assert secrets[mounts[str(settings.kafka_ca_file)]["name"]] == "crossdock-cluster-ca-cert"
        for file, key in (
            (settings.kafka_certificate_file, "user.crt"),
            (settings.kafka_key_file, "user.key"),
        ):
            assert file is not None
            assert secrets[mounts[str(file.parent)]["name"]] == f"{service}-service"
            assert file.name == key
        assert secrets[mounts["/etc/crossdock/database-ca"]["name"]] == f"{service}-db-ca"
        # A file mounted by subPath is never renewed.
        assert not [mount for mount in mounts.values() if "subPath" in mount]
