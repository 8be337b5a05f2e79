"""Labels, customs forms and invoices that no carrier gives us, as PDF."""
