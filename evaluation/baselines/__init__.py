"""Classical methods that write predictions files like any network's."""
