"""YunExpress's open API: signed calls, orders whose number and label may come later, pushed news."""
