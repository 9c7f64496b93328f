"""The rules of stock: begin with ``stock`` (one SKU), then ``reservation`` (one order), then ``holding`` (both).

A unit is free, reserved for an order, or gone. The stream ``stock-<sku>`` counts units and knows no orders;
``reservation-<order>`` knows what one order holds. Whatever changes both is one command over all of those streams.
"""
