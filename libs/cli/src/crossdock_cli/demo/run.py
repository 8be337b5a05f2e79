"""One run of the demo: its names, its numbers, and how far it has come, kept so that it can be resumed."""

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from crossdock_cli.demo.cases import SHOPIFY, Case
from crossdock_cli.demo.scenario import Scenario, make_scenario
from crossdock_cli.errors import CommandFailed
from crossdock_cli.stack.folder import DataFolder

FOLDER, LATEST = "demo", "latest.json"
_NAMESPACE = uuid.UUID("6f1f6f0e-9b0a-4a53-9b66-6a2d1b1b7c11")
#: Ids as long as Shopify's; each run has a thousand times more than it needs.
FIRST_ORDER_ID, IDS_PER_RUN = 5_000_000_000_000, 1_000_000
LINES_PER_ORDER = 50


@dataclass(slots=True)
class Run:
    """`name` is in every SKU, shop, order number and mail address: nothing of it meets another run's.

    `silent`: platforms that do not tell where a buyer is written to; `issuing`: those that make the labels,
    one for an order. What is sold, and where, is the same for the same orders, seed and platforms.
    """

    name: str
    orders: int
    seed: int
    done: dict[str, int] = field(default_factory=dict)  # case number to steps done
    finished: bool = False
    platforms: list[str] = field(default_factory=lambda: [SHOPIFY])
    silent: list[str] = field(default_factory=list)
    issuing: list[str] = field(default_factory=list)
    carriers: list[str] = field(default_factory=lambda: ["easypost"])

    @classmethod
    def new(cls, orders: int, seed: int) -> "Run":
        return cls(uuid.uuid4().hex[:5], orders, seed)

    @property
    def scenario(self) -> Scenario:
        return make_scenario(self.orders, self.seed, self.platforms, silent=self.silent, issuing=self.issuing)

    @property
    def shop(self) -> str:
        return f"lumo-{self.name}"

    @property
    def account(self) -> str:
        return f"lumo-{self.name}"

    def account_at(self, platform: str) -> str:
        """Also what the shop is called there."""
        return self.account if platform == SHOPIFY else f"{self.account}-{platform.replace('_', '-')}"

    @property
    def mail_domain(self) -> str:
        return f"buyers-{self.name}.example"

    def sku(self, bare: str) -> str:
        return f"{bare}-{self.name.upper()}"

    def bare(self, sku: str) -> str:
        return sku.removesuffix(f"-{self.name.upper()}")

    def order_id(self, case: Case) -> int:
        return FIRST_ORDER_ID + int(self.name, 16) * IDS_PER_RUN + case.number

    def line_id(self, case: Case, index: int) -> int:
        return self.order_id(case) * LINES_PER_ORDER + index

    def order_number(self, case: Case) -> str:
        return f"#{self.name.upper()}-{case.number}"

    def trade_number(self, case: Case) -> str:
        """The number in an address, and the buyer's on platforms where there is one beside the id."""
        return self.order_number(case).lstrip("#")

    def email(self, case: Case) -> str:
        return f"buyer{case.number}@{self.mail_domain}"

    def key(self, *parts: object) -> str:
        """The same for the same step of the same run: webhook ids and idempotency keys."""
        return str(uuid.uuid5(_NAMESPACE, "/".join((self.name, *map(str, parts)))))

    def save(self, folder: DataFolder) -> None:
        (folder.path / FOLDER).mkdir(mode=0o700, exist_ok=True)
        folder.write(f"{FOLDER}/{LATEST}", asdict(self))


def unfinished(folder: DataFolder) -> Run:
    """The run that was broken off. Raises CommandFailed when there is none."""
    found: dict[str, Any] = folder.read(f"{FOLDER}/{LATEST}")
    if not found or found.get("finished"):
        raise CommandFailed("no demo was broken off here; start one with `crossdock demo`")
    return Run(**found)
