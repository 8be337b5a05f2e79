"""1Z numbers with their check digit: the usual computation, which UPS's own test numbers
(1ZCIETST0422222228, UPSTrackAlert.yaml) agree with.
"""


def tracking_number(account: str, service: str, serial: int) -> str:
    """1Z, the account, the service, seven digits of which each is used once, and the check digit."""
    bare = f"{account}{service}{serial:07d}"
    return f"1Z{bare}{check_digit(bare)}"


def check_digit(fifteen: str) -> int:
    """Over what stands between 1Z and it: letters count from A = 2 modulo 10, every second one twice."""
    values = [int(one) if one.isdecimal() else (ord(one) - 63) % 10 for one in fifteen]
    return -(sum(values[::2]) + 2 * sum(values[1::2])) % 10
