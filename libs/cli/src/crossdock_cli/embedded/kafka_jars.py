"""The jars of Apache Kafka, fetched once through Maven into a cache folder."""

import os
import shutil
import subprocess
from pathlib import Path

from crossdock_cli.embedded.errors import EmbeddedError

KAFKA_VERSION = "4.3.1"
_LOG4J_VERSION = "2.25.5"  # what Kafka's own archive adds to the jars of Maven

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>crossdock</groupId>
  <artifactId>kafka-runtime</artifactId>
  <version>{KAFKA_VERSION}</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{_LOG4J_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-core</artifactId>
      <version>{_LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def default_jar_cache() -> Path:
    """Return the usual place of the jars for this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossdock"


def kafka_jars(cache: Path, *, timeout_s: float = 600) -> Path:
    """Return the folder of Kafka's jars; the first call fetches about 43 MB. Safe to repeat.

    Raises EmbeddedError when Maven is missing or cannot fetch them.
    """
    jars = cache / f"kafka-{KAFKA_VERSION}"
    if jars.is_dir():
        return jars
    maven = program("mvn", "Maven")
    partial = cache / f"kafka-{KAFKA_VERSION}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / "pom.xml").write_text(_POM, encoding="utf-8")
    try:
        finished = subprocess.run(  # noqa: S603  a program found on the path, our own arguments
            [
                *(maven, "--batch-mode", "--quiet", f"--file={partial / 'pom.xml'}"),
                *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={partial}"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedError(f"Maven did not fetch Apache Kafka within {timeout_s} s; try again") from error
    if finished.returncode != 0:
        raise EmbeddedError(
            f"Maven cannot fetch Apache Kafka {KAFKA_VERSION}:\n"
            + finished.stdout.decode(errors="replace")[-2000:]
        )
    partial.rename(jars)
    return jars


def program(name: str, what: str) -> str:
    """Return the path of an installed program. Raises EmbeddedError when there is none."""
    path = shutil.which(name)
    if path is None:
        raise EmbeddedError(f"{what} ({name}) is not installed; install it, or use the embedded broker")
    return path
