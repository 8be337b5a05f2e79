from uuid import uuid4

from notify_service.domain.goods import Goods, Line, goods_of, wanted
from notify_service.domain.order import KnownOrder, Parcel, more_to_come


def test_a_kit_is_shown_as_the_buyer_bought_it() -> None:
    lamp = Line(uuid4(), "Lamp", 1, 1)
    cable = Line(uuid4(), "Desk Set", 6, 6, kit="DESK-SET/1", units_per_kit=2)
    stand = Line(uuid4(), "Desk Set", 3, 3, kit="DESK-SET/1", units_per_kit=1)

    shown = goods_of((lamp, cable, stand), wanted((lamp, cable, stand)))

    assert shown == (Goods(1, "Lamp"), Goods(3, "Desk Set"))


def test_lines_of_which_nothing_is_there_are_left_out() -> None:
    lamp, mug = Line(uuid4(), "Lamp", 0, 2), Line(uuid4(), "Mug", 1, 1)

    shown = goods_of((lamp, mug), wanted((lamp, mug)))

    assert shown == (Goods(1, "Mug"),)


def test_more_follows_while_units_are_wanted_that_no_parcel_holds() -> None:
    lamp, mug = Line(uuid4(), "Lamp", 2, 2), Line(uuid4(), "Mug", 1, 1)
    order = KnownOrder(uuid4(), "default", lines=(lamp, mug))

    def parcel(**contents: int) -> Parcel:
        lines = {"lamp": lamp.line_id, "mug": mug.line_id}
        units = {lines[name]: units for name, units in contents.items()}
        return Parcel(uuid4(), "default", order.order_id, "DHL", "Paket", "1", None, units)

    one, two = parcel(lamp=2), parcel(mug=1)

    assert more_to_come(order, [one])
    assert not more_to_come(order, [one, two])
