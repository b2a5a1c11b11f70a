"""How does a record pass into a table that keeps it as it is, without a look at its values?"""
