"""What does a department do with it?"""
