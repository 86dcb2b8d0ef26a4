"""The audit trail in the forms that other systems read; one file a form."""
