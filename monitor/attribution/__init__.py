"""Which vendor a flow belongs to and how we know; which device it belongs to; the flow table."""
