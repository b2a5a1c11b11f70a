"""What follows from an approved act on a household? Rules, corrections, annulments; pure."""
