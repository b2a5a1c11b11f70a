"""What crossed the bus?"""
