"""What is the same for every carrier about countries."""

#: Countries whose post will not sort an item without a postal code; a part of the world's list.
POSTAL_CODE_NEEDED = frozenset(
    "AT AU BE BR CA CH CN CZ DE DK ES FI FR GB GR HU IN IT JP KR LU MX "
    "NL NO PL PT RO SE SG SK TH TW US".split()
)

#: One customs territory: goods between these countries are not declared (Union Customs Code, article 4).
EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())


def needs_declaration(origin: str, destination: str) -> bool:
    """Whether goods on this way meet customs; within one customs territory they do not."""
    return origin != destination and not {origin, destination} <= EU
