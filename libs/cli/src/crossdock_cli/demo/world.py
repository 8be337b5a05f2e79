"""The demo's merchant: warehouses, goods, a kit, rules for carriers, and the places where buyers live."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

#: Two warehouses hand over by themselves; in Guangzhou a person says when a parcel has left.
BERLIN, SHENZHEN, GUANGZHOU = "demo-berlin", "demo-shenzhen", "demo-guangzhou"

WAREHOUSES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        BERLIN: {
            "name": "Lumo Lager Berlin",
            "company": "Lumo Demo GmbH",
            "address_lines": ["Köpenicker Straße 10a"],
            "city": "Berlin",
            "postal_code": "10997",
            "country": "DE",
            "phone": "+49 30 901820",
            "time_zone": "Europe/Berlin",
            "cut_off": "15:00",
            "hand_over": "automatic",
            "priority": 10,
        },
        SHENZHEN: {
            "name": "流明深圳仓",
            "company": "Lumo Demo (Shenzhen) Ltd.",
            "address_lines": ["南山区科技园南路18号"],
            "city": "深圳",
            "province": "广东",
            "postal_code": "518057",
            "country": "CN",
            "phone": "+86 755 26001234",
            "time_zone": "Asia/Shanghai",
            "cut_off": "17:00",
            "hand_over": "automatic",
            "priority": 20,
        },
        GUANGZHOU: {
            "name": "流明广州仓",
            "company": "Lumo Demo (Guangzhou) Ltd.",
            "address_lines": ["白云区机场路88号"],
            "city": "广州",
            "province": "广东",
            "postal_code": "510410",
            "country": "CN",
            "phone": "+86 20 86001234",
            "time_zone": "Asia/Shanghai",
            "cut_off": "16:00",
            "hand_over": "manual",
            "priority": 30,
        },
    }
)


@dataclass(frozen=True, slots=True)
class Goods:
    """A SKU of ours. `cents` is its price in EUR; every unit of it lies in `warehouse`."""

    name: str
    title: str
    warehouse: str
    cents: int
    weight_g: int
    size_mm: tuple[int, int, int]
    hs_code: str
    origin: str
    customs: str


#: By its bare name; a run adds its own ending, so that the balances of one run are its own.
GOODS: Final[Mapping[str, Goods]] = MappingProxyType(
    {
        one.name: one
        for one in (
            Goods("MUG", "Enamel mug 350 ml", BERLIN, 1450, 210, (120, 90, 90), "732394", "PL", "Enamel mug"),
            Goods(
                "TEE", "T-shirt, organic cotton", BERLIN, 2990, 180, (280, 200, 25), "610910", "PT", "T-shirt"
            ),
            Goods(
                "LAMP", "Desk lamp", BERLIN, 5900, 1350, (420, 180, 160), "940521", "DE", "Electric desk lamp"
            ),
            Goods(
                "CASE", "Phone case", SHENZHEN, 1290, 48, (165, 85, 14), "392690", "CN", "Plastic phone case"
            ),
            Goods("CABLE", "USB-C cable 2 m", SHENZHEN, 990, 60, (120, 90, 25), "854442", "CN", "USB cable"),
            Goods("BUDS", "Earphones", SHENZHEN, 4900, 95, (110, 110, 40), "851830", "CN", "Wired earphones"),
            Goods(
                "VASE",
                "Porcelain vase",
                GUANGZHOU,
                3900,
                900,
                (150, 150, 260),
                "691310",
                "CN",
                "Porcelain vase",
            ),
            Goods(
                "BOWL",
                "Porcelain bowl",
                GUANGZHOU,
                1900,
                420,
                (160, 160, 80),
                "691110",
                "CN",
                "Porcelain bowl",
            ),
            # Few there are; the special cases fight over it.
            Goods("RARE", "Numbered print", BERLIN, 8900, 320, (420, 300, 30), "491191", "DE", "Art print"),
        )
    }
)

#: What the marketplace sells as one thing is this for us.
KITS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {"DESKSET": MappingProxyType({"LAMP": 1, "MUG": 2}), "ONTHEGO": MappingProxyType({"CASE": 1, "CABLE": 2})}
)

#: Nobody has told us what this is, until somebody does.
UNKNOWN_NAME, UNKNOWN_IS = "MYSTERY", "TEE"

#: EasyPost's services for what no other rule takes.
ABROAD, AT_HOME = "DHLExpress:ExpressWorldwideNonDoc", "DHLExpress:DomesticExpress"

#: The first rule that fits decides, of those whose carrier there is. Services are called as their carriers
#: call them.
RULES: Final = (
    {
        "name": "demo: abroad from Guangzhou",
        "priority": 800,
        "conditions": {"cross_border": True, "warehouses": [GUANGZHOU]},
        "carrier": "easypost",
        "service": ABROAD,
    },
    {
        "name": "demo: to the United States from Berlin",
        "priority": 810,
        "conditions": {"countries": ["US"], "warehouses": [BERLIN]},
        "carrier": "ups",
        "service": "65",
    },
    {
        "name": "demo: heavy, at home in Berlin",
        "priority": 815,
        "conditions": {"countries": ["DE"], "warehouses": [BERLIN], "min_weight_g": 1500},
        "carrier": "ups",
        "service": "11",
    },
    {
        "name": "demo: to Asia from Berlin",
        "priority": 820,
        "conditions": {"countries": ["CN", "JP"], "warehouses": [BERLIN]},
        "carrier": "dhl_express",
        "service": "P",
    },
    {
        "name": "demo: to America from Shenzhen",
        "priority": 830,
        "conditions": {"countries": ["BR", "US"], "warehouses": [SHENZHEN]},
        "carrier": "yunexpress",
        "service": "THPHR",
    },
    {
        "name": "demo: to Germany from Shenzhen",
        "priority": 840,
        "conditions": {"countries": ["DE"], "warehouses": [SHENZHEN]},
        "carrier": "yanwen",
        "service": "481",
    },
    {
        "name": "demo: to Japan from Shenzhen",
        "priority": 850,
        "conditions": {"countries": ["JP"], "warehouses": [SHENZHEN]},
        "carrier": "dhl_express",
        "service": "P",
    },
    {
        "name": "demo: across a border",
        "priority": 900,
        "conditions": {"cross_border": True},
        "carrier": "easypost",
        "service": ABROAD,
    },
    {
        "name": "demo: at home",
        "priority": 910,
        "conditions": {"cross_border": False},
        "carrier": "easypost",
        "service": AT_HOME,
    },
)

#: Units of the currency that 1 EUR buys here; the yen has no minor unit.
CURRENCIES: Final[Mapping[str, tuple[float, int]]] = MappingProxyType(
    {"EUR": (1.0, 2), "USD": (1.1, 2), "BRL": (5.9, 2), "JPY": (160.0, 0)}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a buyer lives, how they pay and what they read."""

    first_name: str
    last_name: str
    street: str
    street2: str | None
    city: str
    province: str | None
    zip: str
    country: str
    phone: str
    locale: str
    currency: str


PLACES: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "berlin": Place(
            "Jürgen", "Groß", "Straße des 17. Juni 135", None, "Berlin", None, "10623", "DE", "+49 30 3140",
            "de-DE", "EUR",
        ),
        "münchen": Place(
            "Änne", "Müller", "Leopoldstraße 7", "Hinterhaus, 3. Stock", "München", None, "80802", "DE",
            "+49 89 21800", "de", "EUR",
        ),
        "上海": Place(
            "小明", "王", "静安区南京西路1266号", "恒隆广场3201室", "上海", "上海", "200040", "CN",
            "+86 21 62880000", "zh-CN", "USD",
        ),
        "广州": Place(
            "丽华", "陈", "天河区天河路208号", None, "广州", "广东", "510620", "CN", "+86 20 38880000",
            "zh-Hans", "USD",
        ),
        "são paulo": Place(
            "João", "Conceição", "Avenida Paulista 1578", "Apto 42", "São Paulo", "SP", "01310-200", "BR",
            "+55 11 3251 5644", "pt-BR", "BRL",
        ),
        "brasília": Place(
            "Inês", "Araújo", "SQN 210 Bloco C", None, "Brasília", "DF", "70862-030", "BR",
            "+55 61 3307 1000", "pt-BR", "BRL",
        ),
        "東京": Place(
            "花子", "山田", "千代田区丸の内1-9-1", None, "東京", "東京都", "100-0005", "JP",
            "+81 3 3212 2321", "en", "JPY",
        ),
        "portland": Place(
            "Dolores", "O'Brien", "1120 SW 5th Ave", "Suite 400", "Portland", "OR", "97204", "US",
            "+1 503 823 4000", "en-US", "USD",
        ),
    }
)  # fmt: skip

#: Where a buyer moves who gives the marketplace another address.
NEW_STREET: Final = MappingProxyType({"address1": "静安区延安西路64号", "address2": "2号楼501室"})

#: The EasyPost sandbox lets a carrier say no to this street when the label is bought.
REFUSED_STREET: Final = "REFUSE AT BUY 13"


def components_of(name: str) -> Mapping[str, int]:
    """What one unit of a name the marketplace uses is for us."""
    if name == UNKNOWN_NAME:
        return {UNKNOWN_IS: 1}
    return KITS.get(name, {name: 1})
