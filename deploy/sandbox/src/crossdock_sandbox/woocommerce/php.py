"""JSON as PHP writes it: `/` as `\\/`, and everything that is not ASCII as `\\uXXXX`.

Source: the marketplace fact sheet on WooCommerce, "Signature"; php.net, "json_encode", read 2026-11-22.
"""

import json


def php_json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode()
