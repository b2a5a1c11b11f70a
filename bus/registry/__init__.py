"""How do ordinary deserialisers find a schema?"""
