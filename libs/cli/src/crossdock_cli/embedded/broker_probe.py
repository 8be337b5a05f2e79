"""Whether a broker answers, and as which cluster."""

import asyncio

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from crossdock_cli.embedded.launch import LOOPBACK

_LIMIT_S = 5


async def answering_cluster(port: int) -> str:
    """Return the cluster id of the broker that answers on a loopback port, "" when none does.

    This very broker is asked; a client would choose any node of its cluster.
    """
    try:
        async with asyncio.timeout(_LIMIT_S):
            connection = await create_conn(LOOPBACK, port, request_timeout_ms=_LIMIT_S * 1000)
            try:
                return str((await connection.send(MetadataRequest(topics=[]))).cluster_id)
            finally:
                connection.close()
    except (KafkaError, OSError, TimeoutError):
        return ""
