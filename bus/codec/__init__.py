"""How are records read and written: strictly, and fast?"""
