"""Prints every paper, and a label to every country, as hashes; and what YunExpress pushes, opened."""

import base64
import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from string import ascii_uppercase

import reportlab.rl_config
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from shipping_service.adapters.carriers.yunexpress.webhook import decrypted
from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.domain.consignment import Address, Box, ConsignmentRequest, CustomsItem, DocumentKind
from shipping_service.domain.papers import Papers

SENDER = Address("王小明", ("深圳市南山区科技园路 1 号",), "深圳", "CN", postal_code="518057")
RECEIVER = Address("Żółć Ćwikła", ("Ελλάδα 1", "Москва, 서울", "محمد"), "Bonn", "DE", postal_code="53113")
MUG = CustomsItem("mug", "Porcelain mug, glazed", 2, Decimal("12.5000"), "EUR", 320, "691110", "CN")
REQUEST = ConsignmentRequest(
    reference="01934f5e-7b1c-7000-8000-000000000031/1",
    service="Small packet",
    ship_from=SENDER,
    ship_to=RECEIVER,
    box=Box(800),
    customs=(MUG,),
    incoterm="DAP",
)
PAPERS = Papers(REQUEST, "china_post", "RR123456785CN", date(2026, 11, 22), "#1042")


def show(name: str, content: bytes) -> None:
    print(name, len(content), hashlib.sha256(content).hexdigest())


def papers() -> None:
    reportlab.rl_config.pageCompression = 0  # two versions of zlib may compress the same in two ways
    for kind, rates in product(DocumentKind, ({"EUR": Decimal("1.2")}, {})):
        show(kind, PaperPrinter(rates).print(kind, PAPERS).content)
    for country in map("".join, product(ascii_uppercase, repeat=2)):
        there = replace(REQUEST, ship_to=replace(RECEIVER, country=country))
        show(country, PaperPrinter({}).print(DocumentKind.LABEL, replace(PAPERS, request=there)).content)


def push() -> None:
    iv, padder = bytes(16), PKCS7(128).padder()
    cipher = Cipher(AES256(hashlib.sha256(b"key").digest()), CBC(iv)).encryptor()
    sealed = iv + cipher.update(padder.update(b"a push") + padder.finalize()) + cipher.finalize()
    print(decrypted(b'{"encrypt":"' + base64.b64encode(sealed) + b'"}', "key"))


papers()
push()
