"""What does a vendor get?"""
