"""Whether a broker answers, and as which cluster."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from crossdock_cli.embedded.launch import LOOPBACK


async def answering_cluster(port: int) -> str:
    """Return the cluster id of the broker that answers on a loopback port, "" when none does."""
    if not await _listens(port):
        return ""  # aiokafka would log an error at every try
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{LOOPBACK}:{port}", request_timeout_ms=5_000)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    except (KafkaError, OSError):
        return ""
    finally:
        await admin.close()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
