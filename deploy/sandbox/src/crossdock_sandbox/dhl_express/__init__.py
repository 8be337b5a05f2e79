"""DHL Express's MyDHL API: shipments that are sold and labelled in one call, and cannot be taken back."""
